//! The company's picture on its receipts.

use std::fmt;
use std::sync::Arc;

use krilla::image::Image;

use super::Error;

/// A PNG or JPEG that has been decoded once, so that a bad file is found when the configuration is read.
#[derive(Clone)]
pub struct Logo {
    image: Image,
    alt: String,
}

impl Logo {
    /// `alt` is what a screen reader says; the company's name is the usual choice.
    pub fn new(bytes: Vec<u8>, alt: impl Into<String>) -> Result<Logo, Error> {
        let refused = |reason: String| Error::Logo { reason };
        let png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
        let jpeg = bytes.starts_with(b"\xff\xd8\xff");
        let data = krilla::Data::from(Arc::new(bytes));
        let image = match (png, jpeg) {
            (true, _) => Image::from_png(data, true).map_err(refused)?,
            (_, true) => Image::from_jpeg(data, true).map_err(refused)?,
            _ => return Err(refused("the file begins like neither".to_owned())),
        };
        let (width, height) = image.size();
        if width == 0 || height == 0 {
            return Err(refused("it has no extent".to_owned()));
        }
        Ok(Logo { image, alt: alt.into() })
    }

    pub(super) fn image(&self) -> Image {
        self.image.clone()
    }

    pub(super) fn alt(&self) -> &str {
        &self.alt
    }

    /// Width and height in points within a box, its proportions kept, never larger than at 96 dots an inch.
    pub(super) fn fit(&self, widest: f32, tallest: f32) -> (f32, f32) {
        let (width, height) = self.image.size();
        let (width, height) = (width as f32, height as f32);
        let scale = (widest / width).min(tallest / height).min(0.75);
        (width * scale, height * scale)
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.image.size();
        write!(out, "Logo({width} x {height}, {:?})", self.alt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_picture_is_refused_when_it_is_read() {
        for bytes in [b"<svg/>".to_vec(), b"\x89PNG\r\n\x1a\n but no more".to_vec(), Vec::new()] {
            let error = Logo::new(bytes, "Acme").unwrap_err();
            assert!(error.to_string().starts_with("the logo is not a PNG or JPEG"), "{error}");
        }
    }
}
