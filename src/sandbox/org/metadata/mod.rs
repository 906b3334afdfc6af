//! Metadata.
use std::path::PathBuf;
use super::catalog::Catalog;
use super::org::{OrgError, OrgOptions};
pub fn load(_dirs: &[PathBuf], _options: &OrgOptions) -> Result<Catalog, OrgError> { Ok(Catalog::default()) }
