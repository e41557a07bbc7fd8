//! The page about all tenants: what it is told when it asks again, and what has to be typed before something is done.

use paramita::pages::console::Section;
use paramita::pages::console::fleet::acts::{BULK, GRACE_DAYS, Sure, sure, words};
use paramita::pages::console::fleet::{marks, news};
use paramita::tenant::Phase;

use crate::fleet::{Fleet, tenants};
use crate::samples::operator;

#[test]
fn there_is_news_only_where_something_is_new_and_it_is_said_aloud_only_when_it_is_another_thing() {
    let mut fleet = Fleet::well(3, None);
    let seen = fleet.with_now(|now| marks(&now).text());
    assert!(fleet.with_now(|now| news(&now, &seen)).is_none());
    fleet.page.tenants[0].phase = Phase::Updating;
    let news_of = |fleet: &Fleet| fleet.with_now(|now| news(&now, &seen)).unwrap().into_string();
    assert!(news_of(&fleet).contains("updating") && !news_of(&fleet).contains("fleet-said"));
    fleet.overview.fleet[0].phase = Phase::Failed;
    assert!(news_of(&fleet).contains("fleet-said"));
}

#[test]
fn what_a_page_is_told_replaces_nothing_that_somebody_may_be_typing_or_choosing() {
    let news = Fleet::ill(None).with_now(|now| news(&now, "")).unwrap().into_string();
    for control in ["<input", "<select", "<button", "<form"] {
        assert!(!news.contains(control), "{control}");
    }
    assert!(news.contains("id=\"state-t000000000000000000000007\" hx-swap-oob=\"innerHTML\""), "{news}");
}

#[test]
fn what_stops_work_is_done_only_for_whoever_types_how_many_are_meant() {
    let chosen = tenants(12, None);
    for act in BULK {
        let page = Sure {
            frame: operator(Section::Fleet, None),
            act,
            tenants: &chosen,
            release: "",
            grace_days: GRACE_DAYS,
            error: None,
        };
        let typed = format!("<input type=\"hidden\" name=\"sure\" value=\"{}\">", words(act, 12));
        assert_eq!(sure(&page).into_string().contains(&typed), !act.is_grave, "{}", act.name);
    }
}
