//! The list of environments.

use super::latest_requests::create;
use super::{desired, owner};
use requests::Owner;
use requests::records::{DesiredRecord, ListedEnvironment, PageToken, Records};

pub async fn all(records: &impl Records) {
    an_environment_is_listed_from_its_desired_state_on_and_as_deleted(records).await;
    the_pages_have_every_environment_once(records).await;
}

async fn save(records: &impl Records, owner: &Owner, environment: &str) {
    let desired = DesiredRecord { environment: environment.to_owned(), ..desired(1) };
    records.save_desired(owner, desired).await.unwrap();
}

fn listed(environment: &str, owner: &Owner, deleted_ms: Option<u64>) -> ListedEnvironment {
    ListedEnvironment { environment: environment.to_owned(), owner: owner.clone(), deleted_ms }
}

async fn an_environment_is_listed_from_its_desired_state_on_and_as_deleted(records: &impl Records) {
    let (own, next) = (owner("Listed"), owner("ListedNext"));
    records.record_request(&own, create(1_000, "create")).await.unwrap();
    records.claim("listed", &own).await.unwrap();
    assert_eq!(records.environments_named("listed").await, Ok(vec![]), "nothing of it can exist");
    for _ in 0..2 {
        save(records, &own, "listed").await;
    }
    save(records, &next, "listed-2").await;
    assert_eq!(records.environments_named("listed").await, Ok(vec![listed("listed", &own, None)]));
    records.mark_deleted(&own, 7_000).await.unwrap();
    assert_eq!(records.environments_named("listed").await, Ok(vec![listed("listed", &own, Some(7_000))]));
    save(records, &next, "listed").await;
    let mut both = records.environments_named("listed").await.unwrap();
    both.sort_by_key(|it| it.deleted_ms);
    assert_eq!(both, [listed("listed", &next, None), listed("listed", &own, Some(7_000))]);
    save(records, &own, "listed").await;
    assert!(records.environments_named("listed").await.unwrap().contains(&listed("listed", &own, None)), "again");
    records.mark_deleted(&owner("Unlisted"), 8_000).await.unwrap();
    assert_eq!(records.environments_named("list").await, Ok(vec![]), "another id with the same beginning");
}

async fn the_pages_have_every_environment_once(records: &impl Records) {
    let mut expected = Vec::new();
    for environment in ["page-a", "page-a-b", "page-a2", "page-b"] {
        for name in ["First", "Second"] {
            let own = owner(&format!("{environment}{name}"));
            save(records, &own, environment).await;
            expected.push(listed(environment, &own, None));
        }
    }
    expected.sort_by_key(PageToken::of);
    for limit in [1, 3, 100] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = records.environments(after.as_ref(), limit).await.unwrap();
            assert!(page.environments.len() <= limit, "{page:?}");
            all.extend(page.environments);
            let Some(next) = page.next else { break };
            after = Some(PageToken::parse(&next.to_string()).unwrap());
        }
        assert!(all.is_sorted_by_key(PageToken::of), "{all:?}");
        all.retain(|it| it.environment.starts_with("page-"));
        assert_eq!(all, expected, "{limit}");
    }
    // A page begins after its place, also after the environment there was deleted for good.
    let gone = PageToken::of(&listed("page-a1", &owner("Gone"), None));
    let page = records.environments(Some(&gone), 2).await.unwrap();
    assert_eq!(page.environments, expected[4..6]);
    assert_eq!(page.next, Some(PageToken::of(&expected[5])));
}
