//! The functions by name, with how many arguments each takes.

use super::Node;

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal $most:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $($variant,)* }

        impl Function {
            pub fn named(name: &str) -> Option<Function> {
                match name.to_uppercase().as_str() {
                    $($name => Some(Function::$variant),)*
                    _ => None,
                }
            }

            fn arguments(self) -> (usize, usize) {
                match self {
                    $(Function::$variant => ($least, $most),)*
                }
            }
        }
    };
}

functions! {
    Abs "ABS" 1 1,
    AddMonths "ADDMONTHS" 2 2,
    And "AND" 1 999,
    Begins "BEGINS" 2 2,
    BlankValue "BLANKVALUE" 2 2,
    Case "CASE" 4 999,
    Ceiling "CEILING" 1 1,
    Contains "CONTAINS" 2 2,
    Date "DATE" 3 3,
    DateTimeValue "DATETIMEVALUE" 1 1,
    DateValue "DATEVALUE" 1 1,
    Day "DAY" 1 1,
    Find "FIND" 2 3,
    Floor "FLOOR" 1 1,
    If "IF" 3 3,
    Includes "INCLUDES" 2 2,
    IsBlank "ISBLANK" 1 1,
    IsChanged "ISCHANGED" 1 1,
    IsNew "ISNEW" 0 0,
    IsNull "ISNULL" 1 1,
    IsNumber "ISNUMBER" 1 1,
    IsPickVal "ISPICKVAL" 2 2,
    Left "LEFT" 2 2,
    Len "LEN" 1 1,
    Lower "LOWER" 1 2,
    LPad "LPAD" 2 3,
    Max "MAX" 1 999,
    MCeiling "MCEILING" 1 1,
    MFloor "MFLOOR" 1 1,
    Mid "MID" 3 3,
    Min "MIN" 1 999,
    Mod "MOD" 2 2,
    Month "MONTH" 1 1,
    Not "NOT" 1 1,
    Now "NOW" 0 0,
    NullValue "NULLVALUE" 2 2,
    Or "OR" 1 999,
    PriorValue "PRIORVALUE" 1 1,
    Regex "REGEX" 2 2,
    Right "RIGHT" 2 2,
    Round "ROUND" 2 2,
    RPad "RPAD" 2 3,
    Substitute "SUBSTITUTE" 3 3,
    Text "TEXT" 1 1,
    Today "TODAY" 0 0,
    Trim "TRIM" 1 1,
    Upper "UPPER" 1 2,
    Value "VALUE" 1 1,
    Year "YEAR" 1 1,
}

impl Function {
    pub fn check(self, name: &str, arguments: &[Node]) -> Result<(), String> {
        let (least, most) = self.arguments();
        let count = arguments.len();
        if count < least || count > most {
            let expected = if least == most { least.to_string() } else { format!("at least {least}") };
            return Err(format!(
                "Incorrect number of parameters for function '{name}()'. Expected {expected}, received {count}"
            ));
        }
        if self == Function::Case && !count.is_multiple_of(2) {
            return Err("CASE needs pairs and then the value for everything else".to_owned());
        }
        let takes_field = matches!(self, Function::IsChanged | Function::PriorValue);
        if takes_field && !matches!(arguments, [Node::Field { parents, .. }] if parents.is_empty()) {
            return Err(format!("{name} takes a field of the record itself"));
        }
        Ok(())
    }
}
