//! Pages of a list, and fields that are an id or the whole object.

use serde::Deserialize;

use super::Form;

/// One page, newest first.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// A field that holds an id, or the object itself where it was asked to be expanded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// What an object must show to be paged over or referred to.
pub trait HasId {
    fn id(&self) -> &str;
}

impl<T: HasId> Expandable<T> {
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }
}

/// Which part of a list: by creation time, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Created {
    pub since: Option<i64>,
    pub until: Option<i64>,
}

impl Created {
    pub fn since(seconds: i64) -> Self {
        Self { since: Some(seconds), until: None }
    }

    pub(super) fn query(self, after: Option<&str>) -> Form {
        Form::new()
            .with("limit", "100")
            .maybe("created[gte]", self.since.map(|since| since.to_string()))
            .maybe("created[lt]", self.until.map(|until| until.to_string()))
            .maybe("starting_after", after)
    }
}
