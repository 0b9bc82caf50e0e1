//! Lists: pages and tags.

use serde_json::{Value, json};

use crate::support::Gateway;

async fn with_services(count: usize) -> Gateway {
    let gateway = Gateway::empty();
    for number in 0..count {
        let tags: &[&str] = match number % 3 {
            0 => &["three"],
            1 => &["one", "both"],
            _ => &["two", "both"],
        };
        let service = json!({ "name": format!("s{number}"), "host": "a.example", "tags": tags });
        assert_eq!(gateway.post("/services", &service).await.status, 201);
    }
    gateway
}

fn names(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap();
    data.iter().map(|entity| entity["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let gateway = with_services(7).await;
    let mut seen = Vec::new();
    let mut path = "/services?size=3".to_owned();
    for page in 0.. {
        let list = gateway.admin(&path).send().await.json();
        seen.extend(names(&list));
        let Some(next) = list["next"].as_str() else {
            assert_eq!(page, 2);
            assert!(list.get("offset").is_none() && list["next"].is_null());
            break;
        };
        assert_eq!(names(&list).len(), 3);
        let offset = list["offset"].as_str().unwrap();
        assert_eq!(next, format!("/services?offset={offset}&size=3"));
        path = next.to_owned();
    }
    seen.sort();
    assert_eq!(seen, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
}

#[tokio::test]
async fn a_page_has_100_entities_unless_it_is_told() {
    let gateway = with_services(101).await;
    let list = gateway.admin("/services").send().await.json();
    assert_eq!(names(&list).len(), 100);
    let rest = gateway.admin(list["next"].as_str().unwrap()).send().await.json();
    assert_eq!(names(&rest).len(), 1);
    let all = gateway.admin("/services?size=1000").send().await.json();
    assert_eq!(names(&all).len(), 101);
}

#[tokio::test]
async fn a_page_that_there_cannot_be_is_refused() {
    let gateway = Gateway::empty();
    for (query, name, message) in [
        ("size=0", "invalid size", "size must be an integer between 1 and 1000"),
        ("size=1001", "invalid size", "size must be an integer between 1 and 1000"),
        ("size=many", "invalid size", "size must be a number"),
        ("offset=%21", "invalid offset", "'!' is not a valid offset: bad base64 encoding"),
        ("tags=", "invalid options", "invalid option (tags: cannot be null)"),
        ("tags=a,b/c", "invalid options", "invalid option (tags: invalid filter syntax"),
    ] {
        let reply = gateway.admin(&format!("/services?{query}")).send().await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.json()["name"], name);
        assert!(reply.json()["message"].as_str().unwrap().starts_with(message), "{query}");
    }
}

#[tokio::test]
async fn entities_are_found_by_their_tags() {
    let gateway = with_services(6).await;
    let with = async |tags: &str| {
        let list = gateway.admin(&format!("/services?tags={tags}")).send().await.json();
        let mut names = names(&list);
        names.sort();
        names.join(" ")
    };
    assert_eq!(with("both").await, "s1 s2 s4 s5");
    assert_eq!(with("one,both").await, "s1 s4");
    assert_eq!(with("one,two").await, "");
    assert_eq!(with("one/two").await, "s1 s2 s4 s5");
    assert_eq!(with("one/three").await, "s0 s1 s3 s4");
    let list = gateway.admin("/services?tags=both&size=1").send().await.json();
    let next = list["next"].as_str().unwrap();
    assert!(next.ends_with("&tags=both&size=1"), "{next}");
}

#[tokio::test]
async fn tags_tell_what_has_them() {
    let gateway = with_services(3).await;
    let service = gateway.admin("/services/s0").send().await.json();
    let of_tag = gateway.admin("/tags/three").send().await.json();
    let row = json!({ "entity_name": "services", "entity_id": service["id"], "tag": "three" });
    assert_eq!(of_tag, json!({ "data": [row], "next": null }));
    let all = gateway.admin("/tags").send().await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 5);
    let page = gateway.admin("/tags?size=2").send().await.json();
    let next = gateway.admin(page["next"].as_str().unwrap()).send().await.json();
    assert_eq!(next["data"].as_array().unwrap().len(), 2);
    assert_ne!(next["data"][0], page["data"][1]);
}

#[tokio::test]
async fn nested_lists_have_pages_too() {
    let gateway = with_services(1).await;
    for number in 0..3 {
        let route = json!({ "paths": [format!("/{number}")] });
        gateway.post("/services/s0/routes", &route).await;
    }
    let list = gateway.admin("/services/s0/routes?size=2").send().await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let next = gateway.admin(list["next"].as_str().unwrap()).send().await.json();
    assert_eq!(next["data"].as_array().unwrap().len(), 1);
    assert_eq!(gateway.admin("/services/nothing/routes").send().await.status, 404);
}
