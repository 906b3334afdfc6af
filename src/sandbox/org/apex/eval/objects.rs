//! Objects and statics: creation, initialisers, fields and properties.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::{Entry, Frame, Interp, Locals, Res};
use crate::sandbox::org::apex::ast::{
    Body, ChainTo, Class, ClassId, ClassKind, Field, Initialiser, Method, Name, Type,
};
use crate::sandbox::org::apex::value::{ExceptionData, Instance, Val};

/// One class's static fields.
#[derive(Debug)]
pub struct Statics {
    pub values: RefCell<Vec<Val>>,
}

impl Interp<'_> {
    /// A class's statics, initialised at the first use in the transaction.
    pub fn statics(&mut self, class: ClassId) -> Res<Rc<Statics>> {
        if let Some(statics) = self.state.statics.borrow().get(&class) {
            return Ok(statics.clone());
        }
        let runtime = self.runtime;
        let declared = runtime.class(class);
        let statics = Rc::new(Statics { values: RefCell::new(vec![Val::Null; declared.static_fields.len()]) });
        self.state.statics.borrow_mut().insert(class, statics.clone());
        let label: Name = Arc::from(format!("Class.{}.<clinit>", declared.name));
        for step in &declared.static_initialisers {
            match step {
                Initialiser::Field(at) => {
                    let field = &declared.static_fields[*at];
                    if let Some(value) = self.initial(declared, field, &label, None)? {
                        statics.values.borrow_mut()[field.slot] = value;
                    }
                }
                Initialiser::Block(body) => {
                    self.enter(&label, class, body, None, Vec::new(), first_pos(body))?;
                }
            }
        }
        Ok(statics)
    }

    fn initial(&mut self, class: &Class, field: &Field, label: &Name, this: Option<Rc<Instance>>) -> Res<Option<Val>> {
        let Some((value, slots, mark)) = &field.initial else { return Ok(None) };
        self.runtime.coverage.hit(*mark);
        self.stack.push(Entry { label: label.clone(), file: class.file.clone(), pos: field.pos });
        let mut frame = Frame { locals: Locals::new(vec![Val::Null; *slots]), this, class: Some(class.id) };
        let value = self.eval(value, &mut frame).and_then(|value| self.coerce(value, &field.of));
        self.stack.pop();
        value.map(Some)
    }

    /// `new T(…)` for anything but an sObject.
    #[inline(never)]
    pub fn create(&mut self, of: &Type, args: Vec<Val>) -> Res<Val> {
        match of {
            Type::Class(class) => {
                let declared = self.runtime.class(*class);
                if declared.is_abstract || declared.kind != ClassKind::Class {
                    return Err(self.unmodelled(format!("new {}, which is abstract,", declared.name)));
                }
                let instance = self.blank(*class);
                self.construct(&instance, *class, args)?;
                Ok(Val::Object(instance))
            }
            Type::Exception(name) => {
                let mut data = ExceptionData { name: name.to_string(), ..ExceptionData::default() };
                self.exception_arguments(&mut data, args)?;
                Ok(Val::Exception(Rc::new(RefCell::new(data))))
            }
            Type::List(_) | Type::Set(_) | Type::Map(..) => self.create_collection(of, args),
            other => Err(self.unmodelled(format!("new {}", self.type_text(other)))),
        }
    }

    /// An instance before any constructor ran.
    pub fn blank(&self, class: ClassId) -> Rc<Instance> {
        let declared = self.runtime.class(class);
        let exception = self
            .runtime
            .is_exception(class)
            .then(|| RefCell::new(ExceptionData { name: declared.name.to_string(), ..ExceptionData::default() }));
        Rc::new(Instance { class, fields: RefCell::new(vec![Val::Null; declared.slots]), exception })
    }

    fn construct(&mut self, instance: &Rc<Instance>, class: ClassId, args: Vec<Val>) -> Res<()> {
        self.statics(class)?;
        let runtime = self.runtime;
        let declared = runtime.class(class);
        let chosen = declared
            .constructors
            .iter()
            .filter_map(|one| Some((self.fit(&one.params, &args)?, one)))
            .min_by_key(|(cost, _)| *cost)
            .map(|(_, one)| one.clone());
        let Some(constructor) = chosen else {
            if self.runtime.is_exception(class) {
                self.initialise(instance, class, None)?;
                if let Some(data) = &instance.exception {
                    let mut changed = data.borrow().clone();
                    self.exception_arguments(&mut changed, args)?;
                    *data.borrow_mut() = changed;
                }
                return Ok(());
            }
            if args.is_empty() && declared.constructors.is_empty() {
                return self.initialise(instance, class, None);
            }
            let types: Vec<String> = args.iter().map(|arg| self.type_name(arg)).collect();
            return Err(self.unmodelled(format!("new {}({})", declared.name, types.join(", "))));
        };
        self.run_constructor(instance, class, &constructor, args)
    }

    fn run_constructor(
        &mut self,
        instance: &Rc<Instance>,
        class: ClassId,
        constructor: &Arc<Method>,
        args: Vec<Val>,
    ) -> Res<()> {
        let Some(body) = &constructor.body else { return Ok(()) };
        let mut locals = Vec::with_capacity(body.slots);
        for (arg, (_, of)) in args.into_iter().zip(&constructor.params) {
            locals.push(self.coerce(arg, of)?);
        }
        let chain = match &constructor.chain {
            Some((to, args)) => {
                let file = self.runtime.class(class).file.clone();
                self.stack.push(Entry { label: constructor.label.clone(), file, pos: constructor.pos });
                let mut inside = locals.clone();
                inside.resize(body.slots.max(inside.len()), Val::Null);
                let mut frame = Frame { locals: Locals::new(inside), this: Some(instance.clone()), class: Some(class) };
                let args = self.eval_all(args, &mut frame);
                self.stack.pop();
                Some((*to, args?))
            }
            None => None,
        };
        match chain {
            Some((ChainTo::This, args)) => self.construct_again(instance, class, args)?,
            Some((ChainTo::Super, args)) => self.initialise(instance, class, Some(args))?,
            None => self.initialise(instance, class, None)?,
        }
        self.enter(&constructor.label, class, body, Some(instance.clone()), locals, constructor.pos)?;
        Ok(())
    }

    fn construct_again(&mut self, instance: &Rc<Instance>, class: ClassId, args: Vec<Val>) -> Res<()> {
        self.construct(instance, class, args)
    }

    /// The superclass's constructor, then this class's own fields and blocks in order.
    fn initialise(&mut self, instance: &Rc<Instance>, class: ClassId, args: Option<Vec<Val>>) -> Res<()> {
        let runtime = self.runtime;
        let declared = runtime.class(class);
        match (&declared.superclass, args) {
            (Some(Type::Class(parent)), args) => self.construct(instance, *parent, args.unwrap_or_default())?,
            (Some(Type::Exception(_)), Some(args)) => {
                if let Some(data) = &instance.exception {
                    let mut changed = data.borrow().clone();
                    self.exception_arguments(&mut changed, args)?;
                    *data.borrow_mut() = changed;
                }
            }
            _ => {}
        }
        let label: Name = Arc::from(format!("Class.{}.<init>", declared.name));
        for step in &declared.initialisers {
            match step {
                Initialiser::Field(at) => {
                    let field = &declared.fields[*at];
                    if let Some(value) = self.initial(declared, field, &label, Some(instance.clone()))? {
                        instance.fields.borrow_mut()[field.slot] = value;
                    }
                }
                Initialiser::Block(body) => {
                    self.enter(&label, class, body, Some(instance.clone()), Vec::new(), first_pos(body))?;
                }
            }
        }
        Ok(())
    }

    pub fn instance_get(&mut self, instance: &Rc<Instance>, name: &str) -> Res<Val> {
        let runtime = self.runtime;
        let Some((class, field)) = runtime.instance_field(instance.class, name) else {
            let class = &runtime.class(instance.class).name;
            return Err(self.unmodelled(format!("the field {name} of {class}")));
        };
        match &field.getter {
            Some(body) => {
                let label: Name = Arc::from(format!("Class.{}.{}", class.name, field.name));
                let value = self.enter(&label, class.id, body, Some(instance.clone()), Vec::new(), field.pos)?;
                self.coerce(value, &field.of)
            }
            None => Ok(instance.fields.borrow()[field.slot].clone()),
        }
    }

    pub fn instance_set(&mut self, instance: &Rc<Instance>, name: &str, value: Val) -> Res<Val> {
        let runtime = self.runtime;
        let Some((class, field)) = runtime.instance_field(instance.class, name) else {
            let class = &runtime.class(instance.class).name;
            return Err(self.unmodelled(format!("the field {name} of {class}")));
        };
        let value = self.coerce(value, &field.of)?;
        match &field.setter {
            Some(body) => {
                let label: Name = Arc::from(format!("Class.{}.{}", class.name, field.name));
                let args = vec![value.clone()];
                self.enter(&label, class.id, body, Some(instance.clone()), args, field.pos)?;
            }
            None => instance.fields.borrow_mut()[field.slot] = value.clone(),
        }
        Ok(value)
    }

    pub fn static_get(&mut self, class: ClassId, slot: usize) -> Res<Val> {
        let statics = self.statics(class)?;
        let runtime = self.runtime;
        let declared = runtime.class(class);
        let field = declared.static_fields.iter().find(|field| field.slot == slot);
        match field.and_then(|field| Some((field, field.getter.as_ref()?))) {
            Some((field, body)) => {
                let label: Name = Arc::from(format!("Class.{}.{}", declared.name, field.name));
                let value = self.enter(&label, class, body, None, Vec::new(), field.pos)?;
                self.coerce(value, &field.of)
            }
            None => {
                let value = statics.values.borrow()[slot].clone();
                Ok(value)
            }
        }
    }

    pub fn static_set(&mut self, class: ClassId, slot: usize, value: Val) -> Res<Val> {
        let statics = self.statics(class)?;
        let runtime = self.runtime;
        let declared = runtime.class(class);
        let Some(field) = declared.static_fields.iter().find(|field| field.slot == slot) else {
            return Err(self.unmodelled("this static property"));
        };
        let value = self.coerce(value, &field.of)?;
        match &field.setter {
            Some(body) => {
                let label: Name = Arc::from(format!("Class.{}.{}", declared.name, field.name));
                self.enter(&label, class, body, None, vec![value.clone()], field.pos)?;
            }
            None => statics.values.borrow_mut()[slot] = value.clone(),
        }
        Ok(value)
    }
}

fn first_pos(body: &Body) -> super::Pos {
    body.statements.first().map(|statement| statement.pos).unwrap_or_default()
}
