use super::*;

const SERVICE: &str = "a.v1.B";

fn instance(id: &str) -> Instance {
    Instance::new(SERVICE, id, "10.0.0.7:80".parse().unwrap())
}

/// What Consul lists of `instance`, registered with the agent of `node`.
fn entry(node: &str, instance: &Instance, index: u64) -> Value {
    let lease = Duration::from_secs(1);
    let registered = registration(instance, &record::write(instance), lease);
    let registered: Value = serde_json::from_slice(&registered).unwrap();
    let mut check = registered["Check"].clone();
    check["ModifyIndex"] = json!(index);
    let mut service = registered;
    service["Service"] = service["Name"].take();
    service["ModifyIndex"] = json!(index);
    json!({ "Node": { "Node": node }, "Service": service, "Checks": [check] })
}

fn take(services: &mut Services, entries: &[Value]) -> bool {
    let answer = serde_json::to_vec(entries).unwrap();
    services.take(SERVICE, &answer).unwrap()
}

#[test]
fn ids_that_differ_differ_to_consul() {
    let ids = ["a", "A", "a.b", "aB", "AB", "ab"];
    let mut spelled: Vec<_> = ids
        .iter()
        .map(|id| service_id(&instance(id)).to_ascii_lowercase())
        .collect();
    assert_eq!(spelled[1], "a.v1.~b:~a");
    spelled.sort();
    spelled.dedup();
    assert_eq!(spelled.len(), ids.len());
}

#[test]
fn consul_is_told_what_it_takes() {
    let mut one = instance("one");
    one.zone = Some("z".to_owned());
    let long = "x".repeat(513);
    for (key, value) in [
        ("good", "ä b"),
        ("", "no key"),
        ("no key", ""),
        ("consul-reserved", ""),
        ("large", &long),
    ] {
        one.metadata.insert(key.to_owned(), value.to_owned());
    }
    assert_eq!(meta(&one), [("good", "ä b"), ("zone", "z")].into());
    for nth in 0..64 {
        one.metadata.insert(format!("n{nth}"), String::new());
    }
    assert_eq!(meta(&one).len(), META_KEYS_MAX);
    let lease = |lease| {
        let registered = registration(&one, b"", lease);
        let registered: Value = serde_json::from_slice(&registered).unwrap();
        registered["Check"]["TTL"].as_str().unwrap().to_owned()
    };
    assert_eq!(lease(Duration::from_micros(1_500_001)), "1501ms");
    assert_eq!(lease(Duration::ZERO), "1ms");
}

#[test]
fn only_changes_change_the_list() {
    let mut services = Services::default();
    let (mut one, two) = (instance("one"), instance("two"));
    let both = [entry("n", &one, 1), entry("n", &two, 2)];
    assert!(take(&mut services, &both));
    assert!(!take(&mut services, &both));
    let first = services.listing().instances()[1].clone();
    assert_eq!(*first, two);
    // Told to Consul again, or changed, or gone.
    assert!(!take(
        &mut services,
        &[entry("n", &one, 3), entry("n", &two, 2)]
    ));
    one.weight = 2;
    assert!(take(
        &mut services,
        &[entry("n", &one, 4), entry("n", &two, 2)]
    ));
    assert_eq!(services.listing().instances()[0].weight, 2);
    assert!(take(&mut services, &[entry("n", &two, 2)]));
    assert!(Arc::ptr_eq(&services.listing().instances()[0], &first));
    let mut down = entry("n", &two, 5);
    down["Checks"][0]["Status"] = json!("critical");
    assert!(take(&mut services, &[down]));
    assert!(services.listing().instances().is_empty());
}

#[test]
fn of_two_agents_the_one_that_was_told_later_is_believed() {
    let (mut older, mut newer) = (instance("one"), instance("one"));
    (older.weight, newer.weight) = (1, 2);
    let mut services = Services::default();
    let mut weight = |entries: &[Value]| {
        take(&mut services, entries);
        let listing = services.listing();
        assert_eq!(listing.instances().len(), 1);
        listing.instances()[0].weight
    };
    assert_eq!(weight(&[entry("m", &newer, 8), entry("n", &older, 7)]), 2);
    assert_eq!(weight(&[entry("m", &older, 7), entry("n", &newer, 8)]), 2);
    newer.started_millis = 1;
    assert_eq!(weight(&[entry("m", &newer, 7), entry("n", &older, 8)]), 2);
}

#[test]
fn a_record_of_another_is_none() {
    let mut lies = entry("n", &instance("one"), 1);
    lies["Service"]["ID"] = json!("a.v1.~B:two");
    let mut services = Services::default();
    assert!(take(&mut services, &[lies]));
    assert_eq!(services.listing().skipped(), 1);
}
