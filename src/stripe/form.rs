//! `application/x-www-form-urlencoded`, as Stripe wants it: nested names in brackets, lists as `name[]`.

/// A body or query under construction. The order of the fields is kept, so that the same input gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(String);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one field; the name may hold brackets.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        encode(name, &mut self.0);
        self.0.push('=');
        encode(value.as_ref(), &mut self.0);
        self
    }

    /// Adds the field if there is a value. An empty value is sent: at Stripe it clears the field.
    pub fn maybe(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub fn metadata(self, name: &str, value: impl AsRef<str>) -> Self {
        // Stripe takes 500 characters of metadata a value; longer is an error that would refuse the whole call.
        let cut: String = value.as_ref().chars().take(500).collect();
        self.with(&format!("metadata[{name}]"), cut)
    }

    pub fn into_body(self) -> String {
        self.0
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            // Brackets stay readable; Stripe takes both.
            b'[' | b']' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded_in_the_order_given() {
        let form = Form::new()
            .with("amount", "12400")
            .with("allowed_payment_method_types[]", "card")
            .metadata("sf_invoice_number", "INV & 7=é");
        assert_eq!(
            form.into_body(),
            "amount=12400&allowed_payment_method_types[]=card&metadata[sf_invoice_number]=INV+%26+7%3D%C3%A9"
        );
    }

    #[test]
    fn an_absent_value_is_left_out_and_an_empty_one_is_sent() {
        let form = Form::new().maybe("email", None::<&str>).maybe("phone", Some(""));
        assert_eq!(form.into_body(), "phone=");
    }

    #[test]
    fn metadata_is_cut_to_what_stripe_takes() {
        let body = Form::new().metadata("name", "x".repeat(600)).into_body();
        assert_eq!(body.len(), "metadata[name]=".len() + 500);
    }
}
