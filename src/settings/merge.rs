//! Lays one layer of settings over another. Tables merge key by key; values and plain lists replace; lists of tables
//! grow, and entries of the same name merge.

use std::collections::{HashMap, btree_map::Entry as Slot};

use super::{
    shape::Shape,
    tree::{Node, Value},
};

/// Lays `over` on `base`.
pub(super) fn merge(base: &mut Node, over: Node, shape: &Shape<'_>) {
    match (&mut base.value, over) {
        (Value::Table(entries), Node { value: Value::Table(news), .. }) if !shape.is_choice() => {
            for (key, new) in news {
                let shape = shape.key(&key);
                match entries.entry(key) {
                    Slot::Vacant(slot) => {
                        slot.insert(new);
                    }
                    Slot::Occupied(mut slot) => {
                        let old = slot.get_mut();
                        old.key = new.key;
                        merge(&mut old.node, new.node, &shape);
                    }
                }
            }
        }
        (Value::List(items), Node { value: Value::List(news), .. }) if grows(items, &news) => append(items, news, &shape.item()),
        (_, over) => *base = over,
    }
}

/// An empty list is a plain one: it clears what was there.
fn grows(items: &[Node], news: &[Node]) -> bool {
    !news.is_empty() && items.iter().chain(news).all(Node::is_table)
}

fn append(items: &mut Vec<Node>, news: Vec<Node>, shape: &Shape<'_>) {
    // Only entries of earlier layers: two of one file are a slip that is reported elsewhere.
    let named = items.iter().enumerate().filter_map(|(place, old)| Some((old.name()?.0.to_owned(), place)));
    let places: HashMap<String, usize> = named.collect();
    for new in news {
        match new.name().and_then(|(name, _)| places.get(name)) {
            Some(place) => merge(&mut items[*place], new, shape),
            None => items.push(new),
        }
    }
}
