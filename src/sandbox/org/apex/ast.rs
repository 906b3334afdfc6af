//! The typed tree that a class or trigger file is lowered to: names resolved, positions kept.

use std::collections::HashMap;
use std::sync::Arc;

use bigdecimal::BigDecimal;

use crate::sandbox::org::host::{Access, SaveOp, TriggerOp};

pub type Name = Arc<str>;
pub type ClassId = usize;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pos {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Void,
    Object,
    Boolean,
    Integer,
    Long,
    Double,
    Decimal,
    String,
    Id,
    Date,
    Datetime,
    Time,
    Blob,
    List(Arc<Type>),
    Set(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Iterable,
    /// `None` is the generic `SObject`.
    SObject(Option<Name>),
    Class(ClassId),
    /// A platform exception by its full name, `System.DmlException`; `Exception` itself is the root.
    Exception(Name),
    /// Any other platform class, by its lower-case name: `database.saveresult`.
    Native(Name),
}

#[derive(Clone, Debug)]
pub enum Literal {
    Null,
    Boolean(bool),
    Integer(i32),
    Long(i64),
    Double(f64),
    Decimal(BigDecimal),
    String(Name),
}

#[derive(Debug)]
pub struct Expr {
    pub pos: Pos,
    pub kind: ExprKind,
}

#[derive(Debug)]
pub enum ExprKind {
    Literal(Literal),
    Local(usize),
    This,
    /// A slot of `this`, without going through a property's accessor.
    ThisField(usize),
    ThisProperty(Name),
    StaticField(ClassId, usize),
    StaticProperty(ClassId, usize),
    Field {
        object: Box<Expr>,
        name: Name,
        safe: bool,
    },
    Index {
        array: Box<Expr>,
        index: Box<Expr>,
    },
    EnumConstant(ClassId, usize),
    /// A constant of a platform enum: type and constant.
    PlatformEnum(Name, Name),
    /// A dotted path that names something of the schema: `Account.Name`, `Account.SObjectType`.
    Token(Vec<Name>),
    /// `Trigger.new` and the like, lower case.
    TriggerVariable(Name),
    Label(Name),
    TypeLiteral(Type),
    Call(Box<Call>),
    New {
        class: Type,
        args: Vec<Expr>,
    },
    NewSObject {
        object: Name,
        fields: Vec<(Name, Expr)>,
    },
    NewList {
        element: Arc<Type>,
        items: Vec<Expr>,
        set: bool,
    },
    NewArray {
        element: Arc<Type>,
        size: Box<Expr>,
    },
    NewMap {
        key: Arc<Type>,
        value: Arc<Type>,
        pairs: Vec<(Expr, Expr)>,
    },
    Cast {
        to: Type,
        value: Box<Expr>,
        through_object: bool,
    },
    InstanceOf {
        value: Box<Expr>,
        of: Type,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Complement(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    Assign {
        target: Target,
        op: Option<BinaryOp>,
        value: Box<Expr>,
    },
    Step {
        target: Target,
        by: i32,
        before: bool,
    },
    Query(Box<Query>),
    Save(Box<Save>),
    Merge(Box<Merge>),
}

#[derive(Debug)]
pub enum Target {
    Local(usize, Type),
    ThisField(usize, Type),
    ThisProperty(Name),
    StaticField(ClassId, usize, Type),
    StaticProperty(ClassId, usize),
    Field { object: Box<Expr>, name: Name },
    Index { array: Box<Expr>, index: Box<Expr> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
}

#[derive(Debug)]
pub struct Call {
    /// The locals in sight, where a dynamic query may bind them by name.
    pub scope: Vec<(Name, usize)>,
    pub target: CallTarget,
    /// As written, for messages.
    pub written: Name,
    /// Lower case, for look-up.
    pub name: Name,
    pub args: Vec<Expr>,
}

#[derive(Debug)]
pub enum CallTarget {
    /// A method of the class at hand (or of the one around it).
    Own(ClassId),
    Super(ClassId),
    Static(ClassId),
    /// A platform class's static method; lower case, `System.` taken off.
    Platform(Name),
    On {
        object: Expr,
        safe: bool,
    },
}

#[derive(Debug)]
pub struct Query {
    /// With each bind as `:b0`, `:b1`, … and without a `WITH … MODE` clause.
    pub text: String,
    pub binds: Vec<Expr>,
    pub access: Access,
    pub object: Name,
    pub count: bool,
}

#[derive(Debug)]
pub struct Save {
    pub op: SaveOp,
    pub rows: Expr,
    pub access: Access,
    pub external_id: Option<String>,
}

/// `merge winner losers;`
#[derive(Debug)]
pub struct Merge {
    pub winner: Expr,
    pub losers: Expr,
    pub access: Access,
}

#[derive(Debug)]
pub struct Stmt {
    pub pos: Pos,
    /// Its number among the lines that can be executed.
    pub mark: Option<u32>,
    pub kind: StmtKind,
}

#[derive(Debug)]
pub enum StmtKind {
    Block(Vec<Stmt>),
    Locals(Vec<(usize, Type, Option<Expr>)>),
    Expr(Expr),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    DoWhile(Box<Stmt>, Expr),
    For { init: Vec<Stmt>, condition: Option<Expr>, update: Vec<Expr>, body: Box<Stmt> },
    ForEach { slot: usize, element: Type, over: Expr, body: Box<Stmt> },
    Return(Option<Expr>),
    Break,
    Continue,
    Throw(Expr),
    Try { body: Vec<Stmt>, catches: Vec<Catch>, finally: Option<Vec<Stmt>> },
    Switch { on: Expr, arms: Vec<(Vec<When>, Vec<Stmt>)>, otherwise: Option<Vec<Stmt>> },
    RunAs(Expr, Vec<Stmt>),
    Nothing,
}

#[derive(Debug)]
pub struct Catch {
    pub of: Type,
    pub slot: usize,
    pub body: Vec<Stmt>,
}

#[derive(Debug)]
pub enum When {
    Value(Expr),
    /// An enum's constant, unqualified.
    Constant(Name),
    SObject {
        object: Name,
        slot: usize,
    },
}

/// What runs: a method, constructor, accessor or initialiser.
#[derive(Debug, Default)]
pub struct Body {
    pub statements: Vec<Stmt>,
    pub slots: usize,
}

#[derive(Debug)]
pub struct Method {
    pub name: Name,
    pub class: ClassId,
    pub params: Vec<(Name, Type)>,
    pub returns: Type,
    pub is_static: bool,
    pub sight: Sight,
    pub annotations: Vec<Annotation>,
    pub body: Option<Body>,
    /// For constructors: `this(…)` or `super(…)`.
    pub chain: Option<(ChainTo, Vec<Expr>)>,
    /// As stack traces show it: `Class.Foo.bar`.
    pub label: Name,
    pub pos: Pos,
}

/// Who may use a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// The outermost class around it, and tests where `@TestVisible` says so.
    #[default]
    Private,
    TestVisible,
    /// Also the classes that extend it.
    Protected,
    ProtectedTestVisible,
    Public,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainTo {
    This,
    Super,
}

#[derive(Clone, Debug)]
pub struct Annotation {
    /// Lower case.
    pub name: String,
    /// What stands in its parentheses, lower case and without spaces.
    pub arguments: String,
}

#[derive(Debug)]
pub struct Field {
    pub name: Name,
    pub of: Type,
    pub is_transient: bool,
    pub is_final: bool,
    pub sight: Sight,
    /// Who may write to it, where `set` says so itself.
    pub set_sight: Sight,
    pub slot: usize,
    /// The value, the locals that it needs, and its mark.
    pub initial: Option<(Expr, usize, u32)>,
    pub getter: Option<Arc<Body>>,
    pub setter: Option<Arc<Body>>,
    pub annotations: Vec<Annotation>,
    pub pos: Pos,
}

/// Fields' initial values and blocks run in the order of the text.
#[derive(Debug)]
pub enum Initialiser {
    Field(usize),
    Block(Arc<Body>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    With,
    Without,
    Inherited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassKind {
    Class,
    Interface,
    Enum,
}

#[derive(Debug)]
pub struct Class {
    pub id: ClassId,
    /// `Outer.Inner` for inner classes.
    pub name: Name,
    pub file: Name,
    pub outer: Option<ClassId>,
    pub kind: ClassKind,
    pub is_abstract: bool,
    pub superclass: Option<Type>,
    pub interfaces: Vec<Type>,
    pub sharing: Option<Sharing>,
    pub annotations: Vec<Annotation>,
    pub constants: Vec<Name>,
    /// Own instance fields; their slots follow the superclass's.
    pub fields: Vec<Field>,
    pub static_fields: Vec<Field>,
    pub initialisers: Vec<Initialiser>,
    pub static_initialisers: Vec<Initialiser>,
    pub methods: HashMap<String, Vec<Arc<Method>>>,
    pub constructors: Vec<Arc<Method>>,
    /// Number of instance slots with the superclass's.
    pub slots: usize,
}

#[derive(Debug)]
pub struct Trigger {
    pub name: Name,
    pub file: Name,
    pub object: Name,
    pub operations: Vec<TriggerOp>,
    pub body: Body,
}

impl Class {
    pub fn static_field(&self, name: &str) -> Option<&Field> {
        self.static_fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    pub fn has_annotation(&self, name: &str) -> bool {
        self.annotations.iter().any(|annotation| annotation.name == name)
    }
}

impl Method {
    pub fn annotation(&self, name: &str) -> Option<&Annotation> {
        self.annotations.iter().find(|annotation| annotation.name == name)
    }
}
