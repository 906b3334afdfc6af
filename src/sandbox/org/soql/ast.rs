//! A query as it was written, nothing looked up yet.

use bigdecimal::BigDecimal;

use crate::sandbox::org::host::Access;

#[derive(Clone, Debug)]
pub struct Query {
    pub select: Vec<Select>,
    /// An object, or in a subquery a relationship.
    pub from: String,
    pub condition: Option<Condition>,
    pub group: Vec<String>,
    pub having: Option<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<Literal>,
    pub offset: Option<Literal>,
    pub for_update: bool,
    pub all_rows: bool,
    pub mode: Option<Access>,
}

#[derive(Clone, Debug)]
pub enum Select {
    Field {
        path: String,
        alias: Option<String>,
    },
    /// `toLabel` and `FORMAT`.
    Shown {
        path: String,
        alias: Option<String>,
    },
    Aggregate {
        of: Aggregate,
        alias: Option<String>,
    },
    Children(Box<Query>),
    AllFields(Group),
    /// `COUNT()` alone.
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    All,
    Standard,
    Custom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    pub function: Function,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Min,
    Max,
    Avg,
}

#[derive(Clone, Debug)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { left: Operand, comparison: Comparison, right: Literal },
    In { left: Operand, negated: bool, set: Set },
    Includes { path: String, negated: bool, values: Vec<Literal> },
}

#[derive(Clone, Debug)]
pub enum Operand {
    Path(String),
    Aggregate(Aggregate),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug)]
pub enum Set {
    List(Vec<Literal>),
    Bind(String),
    Query(Box<Query>),
}

#[derive(Clone, Debug)]
pub enum Literal {
    Null,
    Bool(bool),
    Text(String),
    Number(BigDecimal),
    Date(jiff::civil::Date),
    DateTime(jiff::Timestamp),
    /// `TODAY`, `LAST_N_DAYS:3`, upper case.
    Range(String),
    Bind(String),
}

#[derive(Clone, Debug)]
pub struct Order {
    pub by: Operand,
    pub descending: bool,
    pub nulls_last: bool,
}
