//! What a name means where it stands: a local, a member, a class, or something of the platform's.

use std::sync::Arc;

use tree_sitter::Node;

use super::{LoadError, Lower, children, position};
use crate::sandbox::org::apex::ast::{
    CallTarget, ClassId, ClassKind, Expr, ExprKind, Literal, Name, Pos, Target, Type,
};

/// Platform classes with static methods, lower case and without `System.`.
const PLATFORM: &[&str] = &[
    "string",
    "integer",
    "long",
    "double",
    "decimal",
    "boolean",
    "date",
    "datetime",
    "time",
    "id",
    "math",
    "system",
    "database",
    "test",
    "json",
    "eventbus",
    "eventbus.triggercontext",
    "limits",
    "userinfo",
    "featuremanagement",
    "crypto",
    "encodingutil",
    "blob",
    "uuid",
    "type",
    "schema",
    "assert",
    "url",
    "label",
    "pattern",
    "security",
    "request",
    "timezone",
    "asyncinfo",
];

/// Platform enums: lower-case name, the name as written, constants (empty: any).
const ENUMS: &[(&str, &str, &[&str])] = &[
    (
        "triggeroperation",
        "TriggerOperation",
        &[
            "BEFORE_INSERT",
            "BEFORE_UPDATE",
            "BEFORE_DELETE",
            "AFTER_INSERT",
            "AFTER_UPDATE",
            "AFTER_DELETE",
            "AFTER_UNDELETE",
        ],
    ),
    (
        "roundingmode",
        "RoundingMode",
        &["CEILING", "DOWN", "FLOOR", "HALF_DOWN", "HALF_EVEN", "HALF_UP", "UNNECESSARY", "UP"],
    ),
    ("accesslevel", "AccessLevel", &["USER_MODE", "SYSTEM_MODE"]),
    ("logginglevel", "LoggingLevel", &["NONE", "ERROR", "WARN", "INFO", "DEBUG", "FINE", "FINER", "FINEST"]),
    ("statuscode", "StatusCode", &[]),
    ("accesstype", "AccessType", &["CREATABLE", "READABLE", "UPDATABLE", "UPSERTABLE"]),
    ("displaytype", "DisplayType", &[]),
];

/// What the beginning of a dotted path turned out to be.
enum Start {
    Expr(Expr),
    Class(ClassId),
    Platform(Name),
}

impl<'t> Lower<'_, 't> {
    /// A local or a member of the class at hand.
    pub(super) fn variable(&self, name: &str) -> Option<ExprKind> {
        if let Some((slot, _)) = self.local(name) {
            return Some(ExprKind::Local(slot));
        }
        self.member(name, self.class?, !self.is_static, true)
    }

    /// A field of `class`, its superclasses, or (static only) the classes around it.
    fn member(&self, name: &str, class: ClassId, instance: bool, around: bool) -> Option<ExprKind> {
        let mut heir = Some(class);
        while let Some(id) = heir {
            let outline = &self.program.outlines[id];
            if let Some(field) = outline.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) {
                let own = self.accessor_of.as_deref() == Some(field.name.as_str()) && id == class;
                let property = field.property && !own;
                return match (field.is_static, property) {
                    (true, true) => Some(ExprKind::StaticProperty(id, field.slot)),
                    (true, false) => Some(ExprKind::StaticField(id, field.slot)),
                    (false, _) if !instance => None,
                    (false, true) => Some(ExprKind::ThisProperty(Arc::from(field.name.as_str()))),
                    (false, false) => Some(ExprKind::ThisField(field.slot)),
                };
            }
            heir = match outline.superclass {
                Some(Type::Class(parent)) => Some(parent),
                _ => None,
            };
        }
        let outer = self.program.outlines[class].outer.filter(|_| around)?;
        self.member(name, outer, false, true)
    }

    /// The declared type of a field of `class` or above it.
    fn member_type(&self, class: ClassId, slot: usize, is_static: bool) -> Type {
        let mut heir = Some(class);
        while let Some(id) = heir {
            let outline = &self.program.outlines[id];
            if let Some(field) = outline.fields.iter().find(|field| field.is_static == is_static && field.slot == slot)
            {
                return field.of.clone();
            }
            heir = match outline.superclass {
                Some(Type::Class(parent)) => Some(parent),
                _ => None,
            };
        }
        Type::Object
    }

    pub(super) fn identifier(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        let name = self.source.text(node);
        match self.variable(name) {
            Some(kind) => Ok(kind),
            None => match self.start(&[name], position(node))? {
                Start::Expr(expr) => Ok(expr.kind),
                _ => Err(self.source.wrong(node, format!("Variable does not exist: {name}"))),
            },
        }
    }

    pub(super) fn field_access(&mut self, node: Node<'t>) -> Result<ExprKind, LoadError> {
        if let Some(path) = self.static_path(node) {
            return match self.start(&path, position(node))? {
                Start::Expr(expr) => Ok(expr.kind),
                _ => Err(self.source.unmodelled(node, format!("{} as a value", path.join(".")))),
            };
        }
        let object = self.source.child(node, "object")?;
        let field = self.source.child(node, "field")?;
        let name = self.source.text(field);
        if object.kind() == "this"
            && let Some(class) = self.class
            && let Some(kind) = self.member(name, class, true, false)
        {
            return Ok(kind);
        }
        Ok(ExprKind::Field { object: Box::new(self.expression(object)?), name: Arc::from(name), safe: is_safe(node) })
    }

    /// The names of a dotted path whose root is neither a local nor a member.
    fn static_path(&self, node: Node<'t>) -> Option<Vec<&'t str>> {
        match node.kind() {
            "identifier" => {
                let name = self.source.text(node);
                self.variable(name).is_none().then(|| vec![name])
            }
            "field_access" => {
                let mut path = self.static_path(node.child_by_field_name("object")?)?;
                path.push(self.source.text(node.child_by_field_name("field")?));
                Some(path)
            }
            _ => None,
        }
    }

    fn start(&self, path: &[&str], pos: Pos) -> Result<Start, LoadError> {
        let mut path = path;
        if let Some(class) = self.program.find_class(path[0], self.class) {
            return self.class_path(class, &path[1..], pos);
        }
        let lower: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
        let mut lower = &lower[..];
        if path.len() > 1 && matches!(lower[0].as_str(), "system" | "schema") {
            (path, lower) = (&path[1..], &lower[1..]);
        }
        let expr = |kind| Ok(Start::Expr(Expr { pos, kind }));
        if lower.len() == 1 && PLATFORM.contains(&lower[0].as_str()) {
            return Ok(Start::Platform(Arc::from(lower[0].as_str())));
        }
        if lower.len() > 1 && lower[lower.len() - 1] == "class" {
            let of = self.program.named(&path[..path.len() - 1].join("."), self.class);
            return expr(ExprKind::TypeLiteral(of));
        }
        if lower.len() == 2 {
            let joined = lower.join(".");
            if PLATFORM.contains(&joined.as_str()) {
                return Ok(Start::Platform(Arc::from(joined)));
            }
            if let Some((_, name, constants)) = ENUMS.iter().find(|(own, ..)| *own == lower[0]) {
                let constant = path[1].to_uppercase();
                if !constants.is_empty() && !constants.contains(&constant.as_str()) {
                    return Err(self.at(pos, format!("Variable does not exist: {joined}")));
                }
                return expr(ExprKind::PlatformEnum(Arc::from(*name), Arc::from(constant)));
            }
            let literal = match joined.as_str() {
                "integer.max_value" => Some(Literal::Integer(i32::MAX)),
                "integer.min_value" => Some(Literal::Integer(i32::MIN)),
                "long.max_value" => Some(Literal::Long(i64::MAX)),
                "long.min_value" => Some(Literal::Long(i64::MIN)),
                "double.max_value" => Some(Literal::Double(f64::MAX)),
                "math.pi" => Some(Literal::Double(std::f64::consts::PI)),
                "math.e" => Some(Literal::Double(std::f64::consts::E)),
                _ => None,
            };
            if let Some(literal) = literal {
                return expr(ExprKind::Literal(literal));
            }
        }
        match (lower[0].as_str(), lower.len()) {
            ("trigger", 2..) => {
                let root = Expr { pos, kind: ExprKind::TriggerVariable(Arc::from(lower[1].as_str())) };
                Ok(Start::Expr(fields(root, &path[2..])))
            }
            ("label", 2..) => {
                // `Label.c.Name` and `Label.Name` are the same.
                let name = if lower[1] == "c" && lower.len() == 3 { path[2] } else { path[1] };
                expr(ExprKind::Label(Arc::from(name)))
            }
            _ => expr(ExprKind::Token(path.iter().map(|part| Arc::from(*part)).collect())),
        }
    }

    fn class_path(&self, class: ClassId, rest: &[&str], pos: Pos) -> Result<Start, LoadError> {
        let Some((first, further)) = rest.split_first() else { return Ok(Start::Class(class)) };
        let outline = &self.program.outlines[class];
        if first.eq_ignore_ascii_case("class") {
            return Ok(Start::Expr(Expr { pos, kind: ExprKind::TypeLiteral(Type::Class(class)) }));
        }
        if outline.kind == ClassKind::Enum
            && let Some(at) = outline.constants.iter().position(|constant| constant.eq_ignore_ascii_case(first))
        {
            let root = Expr { pos, kind: ExprKind::EnumConstant(class, at) };
            return Ok(Start::Expr(fields(root, further)));
        }
        if let Some(kind) = self.member(first, class, false, false) {
            if let Some(refusal) = self.hidden(&kind) {
                return Err(self.at(pos, refusal));
            }
            return Ok(Start::Expr(fields(Expr { pos, kind }, further)));
        }
        let inner = format!("{}.{}", outline.name.to_lowercase(), first.to_lowercase());
        match self.program.by_name.get(&inner) {
            Some(inner) if !self.program.sees(self.class, *inner, self.program.outlines[*inner].sight) => {
                Err(self.at(pos, format!("Type is not visible: {}.{first}", outline.name)))
            }
            Some(inner) => self.class_path(*inner, further, pos),
            None => Err(self.at(pos, format!("Variable does not exist: {}.{first}", outline.name))),
        }
    }

    fn at(&self, pos: Pos, what: String) -> LoadError {
        LoadError::Wrong { file: self.source.file.clone(), line: pos.line, what }
    }

    /// Whose method a call means.
    pub(super) fn call_target(&mut self, node: Node<'t>, name: &str) -> Result<CallTarget, LoadError> {
        let source = self.source;
        let Some(object) = node.child_by_field_name("object") else {
            let mut around = self.class;
            while let Some(id) = around {
                if self.has_method(id, name) {
                    return Ok(CallTarget::Own(id));
                }
                around = self.program.outlines[id].outer;
            }
            // Methods that every exception inherits.
            if let Some(class) = self.class
                && self.is_exception(class)
            {
                return Ok(CallTarget::On { object: Expr { pos: position(node), kind: ExprKind::This }, safe: false });
            }
            return Err(source.wrong(node, format!("Method does not exist or incorrect signature: {name}")));
        };
        if object.kind() == "super" {
            let class = self.class.ok_or_else(|| source.wrong(node, "super outside a class"))?;
            return Ok(CallTarget::Super(class));
        }
        if let Some(path) = self.static_path(object) {
            return Ok(match self.start(&path, position(object))? {
                Start::Class(class) => CallTarget::Static(class),
                Start::Platform(name) => CallTarget::Platform(name),
                Start::Expr(object) => CallTarget::On { object, safe: is_safe(node) },
            });
        }
        Ok(CallTarget::On { object: self.expression(object)?, safe: is_safe(node) })
    }

    fn has_method(&self, class: ClassId, name: &str) -> bool {
        let outline = &self.program.outlines[class];
        let own = outline.methods.iter().any(|method| method.eq_ignore_ascii_case(name));
        // An abstract class may call what only its interfaces declare.
        own || matches!(outline.superclass, Some(Type::Class(parent)) if self.has_method(parent, name))
    }

    fn is_exception(&self, class: ClassId) -> bool {
        match self.program.outlines[class].superclass {
            Some(Type::Exception(_)) => true,
            Some(Type::Class(parent)) => self.is_exception(parent),
            _ => false,
        }
    }

    /// What stands left of `=`.
    pub(super) fn target(&mut self, node: Node<'t>) -> Result<Target, LoadError> {
        let kind = match node.kind() {
            "parenthesized_expression" => {
                let inner = children(node).into_iter().next();
                let inner = inner.ok_or_else(|| self.source.unmodelled(node, "empty parentheses"))?;
                return self.target(inner);
            }
            "array_access" => {
                return Ok(Target::Index {
                    array: Box::new(self.expression(self.source.child(node, "array")?)?),
                    index: Box::new(self.expression(self.source.child(node, "index")?)?),
                });
            }
            _ => self.expression(node)?.kind,
        };
        self.must_vary(node, &kind)?;
        Ok(match kind {
            ExprKind::Local(slot) => {
                let name = self.source.text(node);
                let of = self.local(name).map_or(Type::Object, |(_, of)| of.clone());
                Target::Local(slot, of)
            }
            ExprKind::ThisField(slot) => {
                let of = self.class.map_or(Type::Object, |class| self.member_type(class, slot, false));
                Target::ThisField(slot, of)
            }
            ExprKind::ThisProperty(name) => Target::ThisProperty(name),
            ExprKind::StaticField(class, slot) => {
                let of = self.member_type(class, slot, true);
                Target::StaticField(class, slot, of)
            }
            ExprKind::StaticProperty(class, slot) => Target::StaticProperty(class, slot),
            ExprKind::Field { object, name, .. } => Target::Field { object, name },
            _ => return Err(self.source.wrong(node, "Expression cannot be assigned")),
        })
    }
}

fn fields(root: Expr, rest: &[&str]) -> Expr {
    rest.iter().fold(root, |object, name| Expr {
        pos: object.pos,
        kind: ExprKind::Field { object: Box::new(object), name: Arc::from(*name), safe: false },
    })
}

pub(super) fn is_safe(node: Node<'_>) -> bool {
    children(node).iter().any(|child| child.kind() == "safe_navigation_operator")
}
