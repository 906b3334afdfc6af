/// Why there is no receipt. Names, scripts and pictures never lead here: what can't be drawn is replaced.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The logo's file is no PNG or JPEG that can be drawn. The configuration should be corrected.
    #[error("the logo is not a PNG or JPEG picture that can be printed: {reason}")]
    Logo { reason: String },
    /// The PDF could not be written even in its plainest form. Trying again gives the same answer.
    #[error("the receipt {number} could not be written as a PDF: {reason}")]
    Unwritable { number: String, reason: String },
}
