//! What a configuration knows of the kinds of experiment: their names, and who reads their sections.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
use toml::Table;

use super::Reader;

/// A kind of experiment, as far as its configuration goes.
pub trait Kind: Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;

    /// Reads its sections from the document and checks them. What is left of the document then is common to all
    /// kinds, or unknown.
    fn sections(&self, reader: &mut Reader) -> Arc<dyn Sections>;
}

/// The sections that a kind of experiment has beside the common keys: any struct that serde can write.
pub trait Sections: Any + Debug + Send + Sync {
    /// Every value, as TOML.
    fn table(&self) -> Table;
}

impl<S: Serialize + Any + Debug + Send + Sync> Sections for S {
    fn table(&self) -> Table {
        Table::try_from(self).expect("checked sections are valid TOML")
    }
}
