//! Methods of List, Set and Map.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::Type;
use super::eval::{Interp, Res, compare};
use super::sobjects::copy_of;
use super::value::{List, Map, Native, Set, Val};

impl Interp<'_> {
    fn must_rest(&self, iterating: u32) -> Res<()> {
        if iterating > 0 {
            let text = "Cannot modify a collection while it is being iterated.";
            return Err(self.throw("System.FinalException", text));
        }
        Ok(())
    }

    /// The items of anything that can be poured into a collection.
    fn poured(&self, value: &Val) -> Res<Vec<Val>> {
        let items = match value {
            Val::List(list) => list.items.borrow().clone(),
            Val::Set(set) => set.store.keys(),
            Val::Null => return Err(self.null_pointer()),
            other => return Err(self.unmodelled(format!("the items of a {}", self.type_name(other)))),
        };
        self.state.heap.grew(8 * items.len() as u64);
        Ok(items)
    }

    fn poured_keys(&self, value: &Val) -> Res<Vec<Val>> {
        let items = self.poured(value)?;
        for item in &items {
            self.must_be_key(item)?;
        }
        Ok(items)
    }

    /// Keys are compared by what they hold, objects by identity: a class that says otherwise is refused, because its
    /// `equals` and `hashCode` would not be asked.
    pub fn must_be_key(&self, key: &Val) -> Res<()> {
        match key {
            Val::Object(own) if ["equals", "hashcode"].iter().any(|name| self.runtime.has_method(own.class, name)) => {
                let class = &self.runtime.class(own.class).name;
                Err(self.unmodelled(format!("a {class}, which has its own equals or hashCode, in a set or as a key")))
            }
            Val::List(list) => list.items.borrow().iter().try_for_each(|item| self.must_be_key(item)),
            _ => Ok(()),
        }
    }

    /// `new List<X>(…)`, `new Set<X>(…)`, `new Map<K, V>(…)`.
    pub fn create_collection(&mut self, of: &Type, args: Vec<Val>) -> Res<Val> {
        if args.len() > 1 {
            return Err(self.unmodelled("a collection made with two arguments"));
        }
        let first = args.into_iter().next();
        match of {
            Type::List(element) => {
                let items = match &first {
                    None => Vec::new(),
                    Some(Val::Int(size)) => vec![Val::Null; usize::try_from(*size).unwrap_or(0)],
                    Some(other) => self.coerced(self.poured(other)?, element)?,
                };
                Ok(Val::list(element.clone(), items))
            }
            Type::Set(element) => {
                let items = match &first {
                    None => Vec::new(),
                    Some(other) => self.coerced(self.poured(other)?, element)?,
                };
                for item in &items {
                    self.must_be_key(item)?;
                }
                Ok(Val::set(element.clone(), items))
            }
            Type::Map(key, value) => {
                let made = Val::map(key.clone(), value.clone(), []);
                let Val::Map(map) = &made else { return Ok(made) };
                match &first {
                    None => {}
                    Some(Val::Map(from)) => {
                        for (k, v) in from.store.pairs() {
                            let k = self.coerce(k, key)?;
                            let v = self.coerce(v, value)?;
                            map.store.insert(k, v);
                        }
                    }
                    Some(Val::List(rows)) => self.put_rows(map, &rows.items.borrow().clone(), true)?,
                    _ => return Err(self.null_pointer()),
                }
                Ok(made)
            }
            _ => Err(self.unmodelled("this collection")),
        }
    }

    fn coerced(&mut self, items: Vec<Val>, of: &Arc<Type>) -> Res<Vec<Val>> {
        items.into_iter().map(|item| self.coerce_element(item, of)).collect()
    }

    fn put_rows(&mut self, map: &Rc<Map>, rows: &[Val], unique: bool) -> Res<()> {
        for (at, row) in rows.iter().enumerate() {
            let Val::SObject(sobject) = row else { return Err(self.null_pointer()) };
            let Some(id) = sobject.borrow().id() else {
                return Err(self.throw("System.ListException", format!("Row with null Id at index: {at}")));
            };
            let key = self.coerce(Val::Id(id), &map.key.clone())?;
            if map.store.insert(key, row.clone()).is_some() && unique {
                return Err(self.throw("System.ListException", format!("Row with duplicate Id at index: {at}")));
            }
        }
        Ok(())
    }

    #[inline(never)]
    pub fn list_method(&mut self, list: &Rc<List>, name: &str, args: Vec<Val>) -> Res<Val> {
        if matches!(name, "add" | "addall" | "remove" | "clear" | "sort") {
            self.must_rest(list.iterating.get())?;
        }
        Ok(match (name, args.as_slice()) {
            ("size", []) => Val::Int(list.items.borrow().len() as i32),
            ("isempty", []) => Val::Bool(list.items.borrow().is_empty()),
            ("get", [at]) => return self.list_get(&Val::List(list.clone()), at),
            ("add", [item]) => {
                let item = self.coerce_element(item.clone(), &list.element)?;
                list.items.borrow_mut().push(item);
                Val::Null
            }
            ("add", [Val::Int(at), item]) => {
                let item = self.coerce_element(item.clone(), &list.element)?;
                let place = usize::try_from(*at).ok().filter(|at| *at <= list.items.borrow().len());
                match place {
                    Some(place) => list.items.borrow_mut().insert(place, item),
                    None => return Err(self.out_of_bounds(*at)),
                }
                Val::Null
            }
            ("addall", [from]) => {
                let items = self.coerced(self.poured(from)?, &list.element)?;
                list.items.borrow_mut().extend(items);
                Val::Null
            }
            ("set", [Val::Int(at), item]) => {
                let item = self.coerce_element(item.clone(), &list.element)?;
                let place = usize::try_from(*at).ok().filter(|at| *at < list.items.borrow().len());
                match place {
                    Some(place) => list.items.borrow_mut()[place] = item,
                    None => return Err(self.out_of_bounds(*at)),
                }
                Val::Null
            }
            ("remove", [Val::Int(at)]) => {
                let place = usize::try_from(*at).ok().filter(|at| *at < list.items.borrow().len());
                match place {
                    Some(place) => list.items.borrow_mut().remove(place),
                    None => return Err(self.out_of_bounds(*at)),
                }
            }
            ("clear", []) => {
                list.items.borrow_mut().clear();
                Val::Null
            }
            ("contains", [item]) => Val::Bool(self.position(list, item)?.is_some()),
            ("indexof", [item]) => Val::Int(self.position(list, item)?.map_or(-1, |at| at as i32)),
            ("clone", []) => Val::list(list.element.clone(), list.items.borrow().clone()),
            ("deepclone", flags) => {
                let keep = |at: usize| matches!(flags.get(at), Some(Val::Bool(true)));
                let copies = list
                    .items
                    .borrow()
                    .iter()
                    .map(|item| match item {
                        Val::SObject(row) => Val::sobject(copy_of(&row.borrow(), keep(0), keep(1), keep(2))),
                        other => other.clone(),
                    })
                    .collect();
                Val::list(list.element.clone(), copies)
            }
            ("sort", []) => {
                let items = list.items.borrow().clone();
                let sorted = self.sorted(items, None)?;
                *list.items.borrow_mut() = sorted;
                Val::Null
            }
            ("sort", [comparator @ Val::Object(_)]) => {
                let items = list.items.borrow().clone();
                let sorted = self.sorted(items, Some(comparator))?;
                *list.items.borrow_mut() = sorted;
                Val::Null
            }
            ("iterator", []) => Val::native(Native::Iterator { list: list.clone(), at: Cell::new(0) }),
            ("getsobjecttype", []) => match &*list.element {
                Type::SObject(Some(object)) => {
                    let name = self.schema.object(object).map_or(&**object, |object| object.name.as_str());
                    Val::SObjectType(Arc::from(name))
                }
                _ => Val::Null,
            },
            ("equals", [other]) => Val::Bool(self.equal(&Val::List(list.clone()), other)?),
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return self.any_method(&Val::List(list.clone()), name, &args),
        })
    }

    /// Unlike `==`, `contains` tells upper from lower case.
    fn position(&mut self, list: &Rc<List>, item: &Val) -> Res<Option<usize>> {
        let items = list.items.borrow().clone();
        let item = match (&*list.element, item) {
            (Type::Id, Val::Str(_)) => self.coerce(item.clone(), &Type::Id)?,
            _ => item.clone(),
        };
        for (at, own) in items.iter().enumerate() {
            let same = match (own, &item) {
                (Val::Str(a), Val::Str(b)) => a == b,
                (a, b) => self.equal(a, b)?,
            };
            if same {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Nulls first; a stable merge, because the comparison may be the program's own and may throw.
    fn sorted(&mut self, mut items: Vec<Val>, comparator: Option<&Val>) -> Res<Vec<Val>> {
        if items.len() < 2 {
            return Ok(items);
        }
        let right = items.split_off(items.len() / 2);
        let left = self.sorted(items, comparator)?;
        let right = self.sorted(right, comparator)?;
        let mut out = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => {
                    let (a, b) = (a.clone(), b.clone());
                    let next = if self.order(&a, &b, comparator)?.is_gt() { right.next() } else { left.next() };
                    out.extend(next);
                }
                _ => {
                    out.extend(left);
                    out.extend(right);
                    return Ok(out);
                }
            }
        }
    }

    fn order(&mut self, a: &Val, b: &Val, comparator: Option<&Val>) -> Res<Ordering> {
        let by_number = |this: &Self, value: Val| match value {
            Val::Int(value) => Ok(value.cmp(&0)),
            other => Err(this.unmodelled(format!("a comparison that gives {}", this.type_name(&other)))),
        };
        if let Some(comparator) = comparator {
            let value = self.method_on(comparator.clone(), "compare", vec![a.clone(), b.clone()])?;
            return by_number(self, value);
        }
        match (a, b) {
            (Val::Null, Val::Null) => Ok(Ordering::Equal),
            (Val::Null, _) => Ok(Ordering::Less),
            (_, Val::Null) => Ok(Ordering::Greater),
            (Val::Str(a), Val::Str(b)) => Ok(a.encode_utf16().cmp(b.encode_utf16())),
            (Val::Object(own), _) => match self.find_method(own.class, "compareto", std::slice::from_ref(b)) {
                Some(method) => {
                    let value = self.invoke(&method, Some(own.clone()), vec![b.clone()])?;
                    by_number(self, value)
                }
                None => Err(self.not_comparable()),
            },
            (Val::SObject(_), _) => Err(self.unmodelled("sorting sObjects without a Comparator")),
            _ => compare(a, b).ok_or_else(|| self.not_comparable()),
        }
    }

    fn not_comparable(&self) -> super::eval::Thrown {
        self.throw("System.ListException", "One or more of the items in this list is not Comparable.")
    }

    #[inline(never)]
    pub fn set_method(&mut self, set: &Rc<Set>, name: &str, args: Vec<Val>) -> Res<Val> {
        if matches!(name, "add" | "addall" | "remove" | "removeall" | "retainall" | "clear") {
            self.must_rest(set.store.iterating.get())?;
        }
        Ok(match (name, args.as_slice()) {
            ("size", []) => Val::Int(set.store.len() as i32),
            ("isempty", []) => Val::Bool(set.store.len() == 0),
            ("add", [item]) => {
                let item = self.coerce_element(item.clone(), &set.element)?;
                self.must_be_key(&item)?;
                Val::Bool(!set.store.contains(&item) && set.store.insert(item, Val::Null).is_none())
            }
            ("addall", [from]) => {
                let before = set.store.len();
                for item in self.coerced(self.poured(from)?, &set.element)? {
                    self.must_be_key(&item)?;
                    if !set.store.contains(&item) {
                        set.store.insert(item, Val::Null);
                    }
                }
                Val::Bool(set.store.len() > before)
            }
            ("contains", [item]) => {
                let item = self.lookup(item, &set.element)?;
                Val::Bool(set.store.contains(&item))
            }
            ("containsall", [from]) => {
                let items = self.poured_keys(from)?;
                Val::Bool(items.iter().all(|item| set.store.contains(item)))
            }
            ("remove", [item]) => {
                let item = self.lookup(item, &set.element)?;
                Val::Bool(set.store.remove(&item).is_some())
            }
            ("removeall", [from]) => {
                let before = set.store.len();
                for item in self.poured_keys(from)? {
                    set.store.remove(&item);
                }
                Val::Bool(set.store.len() < before)
            }
            ("retainall", [from]) => {
                let before = set.store.len();
                let keep = Val::set(set.element.clone(), self.poured_keys(from)?);
                if let Val::Set(keep) = keep {
                    for item in set.store.keys() {
                        if !keep.store.contains(&item) {
                            set.store.remove(&item);
                        }
                    }
                }
                Val::Bool(set.store.len() < before)
            }
            ("clear", []) => {
                set.store.clear();
                Val::Null
            }
            ("clone", []) => Val::set(set.element.clone(), set.store.keys()),
            ("iterator", []) => {
                let items = Val::list(set.element.clone(), set.store.keys());
                match items {
                    Val::List(list) => Val::native(Native::Iterator { list, at: Cell::new(0) }),
                    other => other,
                }
            }
            ("equals", [other]) => Val::Bool(self.equal(&Val::Set(set.clone()), other)?),
            _ => return self.any_method(&Val::Set(set.clone()), name, &args),
        })
    }

    /// A key as the collection holds it: a text is looked for as an Id among Ids.
    fn lookup(&mut self, key: &Val, of: &Type) -> Res<Val> {
        self.must_be_key(key)?;
        match (key, of) {
            (Val::Str(_), Type::Id) | (Val::Id(_), Type::String) | (Val::Int(_), Type::Long | Type::Decimal) => {
                self.coerce(key.clone(), of)
            }
            _ => Ok(key.clone()),
        }
    }

    #[inline(never)]
    pub fn map_method(&mut self, map: &Rc<Map>, name: &str, args: Vec<Val>) -> Res<Val> {
        if matches!(name, "putall" | "remove" | "clear") {
            self.must_rest(map.store.iterating.get())?;
        }
        Ok(match (name, args.as_slice()) {
            ("size", []) => Val::Int(map.store.len() as i32),
            ("isempty", []) => Val::Bool(map.store.len() == 0),
            ("get", [key]) => {
                let key = self.lookup(key, &map.key.clone())?;
                map.store.get(&key).unwrap_or(Val::Null)
            }
            ("containskey", [key]) => {
                let key = self.lookup(key, &map.key.clone())?;
                Val::Bool(map.store.contains(&key))
            }
            ("put", [key, value]) => {
                let key = self.coerce(key.clone(), &map.key.clone())?;
                self.must_be_key(&key)?;
                if !map.store.contains(&key) {
                    self.must_rest(map.store.iterating.get())?;
                }
                let value = self.coerce_element(value.clone(), &map.value)?;
                map.store.insert(key, value).unwrap_or(Val::Null)
            }
            ("putall", [Val::Map(from)]) => {
                for (key, value) in from.store.pairs() {
                    let key = self.coerce(key, &map.key.clone())?;
                    let value = self.coerce(value, &map.value.clone())?;
                    map.store.insert(key, value);
                }
                Val::Null
            }
            ("putall", [Val::List(rows)]) => {
                self.put_rows(map, &rows.items.borrow().clone(), false)?;
                Val::Null
            }
            ("remove", [key]) => {
                let key = self.lookup(key, &map.key.clone())?;
                map.store.remove(&key).unwrap_or(Val::Null)
            }
            ("keyset", []) => Val::Set(Rc::new(Set { element: map.key.clone(), store: map.store.clone() })),
            ("values", []) => Val::list(map.value.clone(), map.store.values()),
            ("clear", []) => {
                map.store.clear();
                Val::Null
            }
            ("clone", []) => Val::map(map.key.clone(), map.value.clone(), map.store.pairs()),
            ("deepclone", []) => {
                let pairs = map.store.pairs().into_iter().map(|(key, value)| match value {
                    Val::SObject(row) => (key, Val::sobject(copy_of(&row.borrow(), true, true, true))),
                    other => (key, other),
                });
                Val::map(map.key.clone(), map.value.clone(), pairs.collect::<Vec<_>>())
            }
            ("equals", [other]) => Val::Bool(self.equal(&Val::Map(map.clone()), other)?),
            (_, [Val::Null, ..]) => return Err(self.null_argument()),
            _ => return self.any_method(&Val::Map(map.clone()), name, &args),
        })
    }
}
