//! Progress: what ticks off, and when it stops asking.

use maud::Markup;
use paramita::pages::progress::{Progress, fragment};
use paramita::tenant::{Ledger, Phase, Tenant};
use scraper::{Html, Selector};

use crate::states::{self, NOW};

fn shown((tenant, ledger): &(Tenant, Ledger)) -> Html {
    let Markup { 0: text, .. } = fragment(&Progress { tenant, ledger, address: None, mark: "1.7", now: NOW });
    Html::parse_fragment(&text)
}

fn count(html: &Html, selector: &str) -> usize {
    html.select(&Selector::parse(selector).unwrap()).count()
}

#[test]
fn steps_tick_off_one_by_one_and_the_first_that_is_left_is_under_way() {
    for (state, done) in [(states::new(), 0), (states::half_made(), 2), (states::ready(), 5)] {
        let html = shown(&state);
        assert_eq!((count(&html, "li"), count(&html, "li.done")), (5, done));
        assert_eq!(count(&html, "li.doing"), usize::from(done < 5));
    }
}

#[test]
fn it_asks_again_with_what_it_has_seen_until_nothing_will_change_by_itself() {
    let asks = |state: &(Tenant, Ledger)| count(&shown(state), "[hx-get='/tenants/alice/progress?seen=1.7']");
    assert_eq!(asks(&states::new()), 1);
    assert_eq!(asks(&states::half_made()), 1);
    for settled in [states::ready(), states::failed(), states::suspended(), states::deleting(), states::deleted()] {
        assert_eq!(asks(&settled), 0, "{:?}", settled.0.phase);
    }
}

#[test]
fn a_deletion_goes_on_once_its_data_is_not_kept_any_more() {
    let mut state = states::deleting();
    state.0.due_at = Some(NOW);
    assert_eq!(
        count(&shown(&state), "[hx-get]"),
        1,
        "its due time is not the end of the grace period: it is under way"
    );
    if let Some(deletion) = &mut state.0.deletion {
        deletion.keep_data_until = NOW;
    }
    let html = shown(&state);
    assert_eq!((count(&html, "li"), count(&html, "li.done")), (4, 2), "container and Worker are gone, the data is not");
}

#[test]
fn a_change_of_a_running_tenant_is_done_when_it_is_checked() {
    let mut state = states::ready();
    (state.0.phase, state.0.observed_generation) = (Phase::Updating, 2);
    let html = shown(&state);
    assert_eq!((count(&html, "li.done"), count(&html, "li.doing")), (4, 1));
}
