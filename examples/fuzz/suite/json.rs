//! Damage to JSON that leaves it JSON.

use serde_json::{Value, json};

use super::random::Random;

/// A few damages, each to a value somewhere in it.
pub fn damage(random: &mut Random, value: &mut Value) {
    (0..random.few(4)).for_each(|_| damage_somewhere(random, value));
}

fn damage_somewhere(random: &mut Random, value: &mut Value) {
    let deeper = !random.one_in(6);
    match value {
        Value::Object(map) if deeper && !map.is_empty() => {
            let at = random.below(map.len());
            map.values_mut().nth(at).into_iter().for_each(|inner| damage_somewhere(random, inner));
        }
        Value::Array(list) if deeper && !list.is_empty() => {
            let at = random.below(list.len());
            damage_somewhere(random, &mut list[at]);
        }
        _ => damage_once(random, value),
    }
}

fn damage_once(random: &mut Random, value: &mut Value) {
    match (random.below(4), &mut *value) {
        (0, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
            let taken = map.remove(&key).unwrap_or_default();
            if random.one_in(3) {
                map.insert(random.pick(&["", "other", "main", "<b>", "a/b"]).to_owned(), taken);
            }
        }
        (0, Value::Array(list)) => list.truncate(random.below(list.len())),
        (1, Value::Array(list)) => list.extend(list.clone()),
        (1, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(0.0);
            *value = json!(*random.of(&[-number, 1e300 * number, number / 0.3, number + 0.5]));
        }
        _ => {
            let awkward = random.awkward();
            *value = random
                .of(&[
                    Value::Null,
                    json!(true),
                    json!(awkward),
                    json!(-1),
                    json!(1e308),
                    json!(-0.0),
                    json!("text"),
                    json!(""),
                    json!([]),
                    json!({}),
                    json!([[1, "a"], null]),
                    json!({ "main": [] }),
                ])
                .clone();
        }
    }
}
