//! The few questions that metadata files are asked.

/// An XML element; children are found by name, whatever their namespace.
#[derive(Clone, Copy)]
pub struct Element<'a>(pub roxmltree::Node<'a, 'a>);

impl<'a> Element<'a> {
    pub fn child(self, name: &str) -> Option<Element<'a>> {
        self.0.children().find(|child| child.tag_name().name() == name).map(Element)
    }

    pub fn children(self, name: &'a str) -> impl Iterator<Item = Element<'a>> {
        self.0.children().filter(move |child| child.tag_name().name() == name).map(Element)
    }

    /// The text of a child, `None` when the child is missing or nil.
    pub fn text(self, name: &str) -> Option<String> {
        let child = self.child(name)?;
        if child.0.attributes().any(|attribute| attribute.name() == "nil" && attribute.value() == "true") {
            return None;
        }
        Some(child.own_text())
    }

    pub fn own_text(self) -> String {
        self.0.text().unwrap_or_default().to_owned()
    }

    pub fn is_true(self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.trim() == "true")
    }

    pub fn number(self, name: &str) -> Option<u32> {
        self.text(name)?.trim().parse().ok()
    }
}
