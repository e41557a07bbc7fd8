//! What holds for all of them.

use scraper::{ElementRef, Html, Selector};

use crate::samples::{SHOWN_ONCE, all, fragments, pages};

/// The pages that show something once.
const ONCE: [&str; 5] = ["created", "restored", "token-made", "console-once", "console-invite-made"];

const HOSTILE: &str = r#""'><b-hostile onclick=x></p></style><script>alert(1)</script>&lt;"#;

fn every<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

/// Every element of every page and fragment.
fn for_each_element(hostile: Option<&str>, check: impl Fn(&str, ElementRef<'_>)) {
    for page in pages(hostile) {
        every(&Html::parse_document(&page.html), "*").into_iter().for_each(|element| check(page.name, element));
    }
    for part in fragments(hostile) {
        every(&Html::parse_fragment(&part.html), "*").into_iter().for_each(|element| check(part.name, element));
    }
}

#[test]
fn every_page_is_well_formed() {
    for page in pages(None).into_iter().chain(pages(Some(HOSTILE))) {
        let html = Html::parse_document(&page.html);
        assert!(html.errors.is_empty(), "{}: {:?}", page.name, html.errors);
        assert_eq!(every(&html, "h1").len(), 1, "{}", page.name);
        assert_eq!(every(&html, "main").len(), 1, "{}", page.name);
    }
    for part in fragments(None) {
        let html = Html::parse_fragment(&part.html);
        assert!(html.errors.is_empty(), "{}: {:?}", part.name, html.errors);
    }
}

#[test]
fn what_comes_from_outside_stays_text() {
    assert_eq!(all(None).len(), all(Some(HOSTILE)).len());
    for_each_element(Some(HOSTILE), |page, element| {
        let name = element.value().name();
        assert_ne!(name, "b-hostile", "{page}");
        if name == "script" {
            assert!(element.attr("src").is_some() && element.text().next().is_none(), "{page}");
        }
    });
    // And it is all there, for whoever typed it.
    let signup = all(Some(HOSTILE)).into_iter().find(|page| page.name == "signup-refused").unwrap();
    let html = Html::parse_document(&signup.html);
    assert_eq!(every(&html, "input#name")[0].attr("value"), Some(HOSTILE));
    assert!(every(&html, "#name-error")[0].text().any(|text| text == HOSTILE));
}

#[test]
fn nothing_is_inline_that_the_policy_forbids() {
    for_each_element(None, |page, element| {
        assert_ne!(element.value().name(), "style", "{page}");
        for (attribute, value) in element.value().attrs() {
            let is_code = attribute == "style" || attribute.starts_with("on") || attribute.starts_with("hx-on");
            assert!(!is_code && !value.starts_with("javascript:"), "{page}: {attribute}={value}");
        }
    });
}

#[test]
fn every_form_is_posted_and_proves_where_it_came_from() {
    for page in pages(None) {
        for form in every(&Html::parse_document(&page.html), "form") {
            // What only looks for something changes nothing, and what it finds has an address.
            if form.value().classes().any(|class| class == "search") {
                let hidden = form.select(&Selector::parse("input[type=hidden]").unwrap()).count();
                assert_eq!((form.attr("method"), hidden), (Some("get"), 0), "{}", page.name);
                continue;
            }
            assert_eq!(form.attr("method"), Some("post"), "{}", page.name);
            assert!(form.attr("action").is_some_and(|action| action.starts_with('/')), "{}", page.name);
            let csrf = form.select(&Selector::parse("input[type=hidden][name=csrf]").unwrap()).count();
            assert_eq!(csrf, 1, "{}: {}", page.name, form.html());
        }
    }
}

#[test]
fn a_secret_is_shown_only_where_it_is_shown_once() {
    for page in all(None) {
        for secret in SHOWN_ONCE {
            assert!(!page.html.contains(secret) || ONCE.contains(&page.name), "{}", page.name);
        }
    }
    for_each_element(None, |page, element| {
        if element.attr("type") == Some("password") {
            assert_eq!((element.attr("value"), element.attr("autocomplete")), (None, Some("off")), "{page}");
        }
    });
}

#[test]
fn every_complaint_stands_beside_its_field_and_leads_to_it() {
    let mut complaints = 0;
    for page in pages(None) {
        let html = Html::parse_document(&page.html);
        for link in every(&html, ".notice[role=alert] a") {
            complaints += 1;
            let id = link.attr("href").unwrap().trim_start_matches('#');
            assert_eq!(every(&html, &format!("[id='{id}']")).len(), 1, "{}: {id}", page.name);
            let beside = every(&html, &format!("[id='{id}-error']"));
            assert_eq!(beside[0].text().collect::<String>(), link.text().collect::<String>(), "{}", page.name);
        }
    }
    assert_eq!(complaints, 9);
}

#[test]
fn ids_are_unique_and_what_refers_to_them_finds_them() {
    for page in pages(None) {
        let html = Html::parse_document(&page.html);
        let ids: Vec<_> = every(&html, "[id]").iter().map(|element| element.attr("id").unwrap().to_owned()).collect();
        for element in every(&html, "*") {
            let of = |name| element.attr(name).into_iter().flat_map(str::split_whitespace);
            let by_fragment = element.attr("href").and_then(|href| href.strip_prefix('#'));
            let target = element.attr("hx-target").and_then(|target| target.strip_prefix('#'));
            let refers = of("for").chain(of("aria-describedby")).chain(of("aria-labelledby"));
            for id in refers.chain(by_fragment).chain(target) {
                assert_eq!(ids.iter().filter(|known| *known == id).count(), 1, "{}: {id}", page.name);
            }
        }
    }
}

#[test]
fn a_receipt_says_of_each_thing_whether_it_is_gone() {
    let lines = |name| {
        let page = pages(None).into_iter().find(|page| page.name == name).unwrap();
        let html = Html::parse_document(&page.html);
        every(&html, "#receipt li .hint").iter().map(|line| line.text().collect::<String>()).collect::<Vec<_>>()
    };
    let gone = "Gone, seen 2026-11-23 12:00 UTC";
    assert_eq!(lines("tenant-deleting"), ["Still there", gone, gone, gone, gone]);
    assert_eq!(lines("tenant-deleted"), [gone; 5]);
}

#[test]
fn the_doctor_says_first_what_does_not_work_and_of_all_that_is_bad_what_to_do() {
    let titles = |name: &str, selector: &str| {
        let page = pages(None).into_iter().find(|page| page.name == name).unwrap();
        let html = Html::parse_document(&page.html);
        every(&html, selector).iter().map(|line| line.text().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(titles("doctor", "h1 + .pill"), ["something does not work"]);
    assert_eq!(titles("doctor", "h2"), ["Does not work", "To look at", "Well"]);
    assert_eq!(titles("doctor", "h3"), ["The Cloudflare account", "The plane", "Who may come in"]);
    let bad = titles("doctor", "li:is(.bad, .warn) strong");
    assert_eq!(bad, ["R2", "Database migrations", "API token", "Operators"]);
    assert_eq!(titles("doctor", "li:is(.bad, .warn) p:nth-child(3)").len(), bad.len());
    assert_eq!(titles("doctor", ".conditions li").len(), 16);
    assert_eq!(titles("doctor", "main .actions a"), ["Check again"]);
    assert_eq!(titles("doctor-warned", "h2"), ["To look at", "Well"]);
    assert_eq!(titles("doctor-well", "h2"), ["Well"]);
    assert_eq!(titles("doctor-well", "h1 + .pill"), ["all is well"]);
}
