//! `Config`: everything that can be asked of the generator.

use crate::{Result, compile};
use std::path::{Path, PathBuf};

/// What to generate, from what, and where to.
///
/// The defaults are what [`compile`](crate::compile()) does. Options that name a part of the protos take
/// its full name, such as `shop.v1.Cart.items`; a name stands for itself and everything within it, so
/// `shop.v1` means a whole package and `.` means everything. An option whose name is found nowhere is
/// an error, with the nearest name as a hint.
///
/// ```no_run
/// fn main() -> cordial_codegen::Result {
///     cordial_codegen::Config::new()
///         .include("third_party")
///         .exclude("legacy/**")
///         .bytes("shop.v1.Photo.data")
///         .type_attribute("shop.v1", "#[derive(serde::Serialize)]")
///         .compile(["protos"])
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a config does nothing until `compile` is called"]
pub struct Config {
    pub(crate) includes: Vec<PathBuf>,
    pub(crate) selected: Vec<String>,
    pub(crate) excluded: Vec<String>,
    pub(crate) extern_paths: Vec<(String, String)>,
    pub(crate) type_attributes: Vec<(String, String)>,
    pub(crate) message_attributes: Vec<(String, String)>,
    pub(crate) enum_attributes: Vec<(String, String)>,
    pub(crate) field_attributes: Vec<(String, String)>,
    pub(crate) service_attributes: Vec<(String, String)>,
    pub(crate) client_attributes: Vec<(String, String)>,
    pub(crate) bytes: Vec<String>,
    pub(crate) btree_maps: Vec<String>,
    pub(crate) boxed: Vec<String>,
    pub(crate) server: bool,
    pub(crate) client: bool,
    pub(crate) json: bool,
    pub(crate) tonic_stubs: bool,
    pub(crate) google_in_place: bool,
    pub(crate) runtime: String,
    pub(crate) out_dir: Option<PathBuf>,
    pub(crate) descriptor_set: Option<PathBuf>,
}

impl Config {
    /// The defaults: servers and clients for every file, into `OUT_DIR`, for the crate `cordial`.
    pub fn new() -> Self {
        Self {
            includes: Vec::new(),
            selected: Vec::new(),
            excluded: Vec::new(),
            extern_paths: Vec::new(),
            type_attributes: Vec::new(),
            message_attributes: Vec::new(),
            enum_attributes: Vec::new(),
            field_attributes: Vec::new(),
            service_attributes: Vec::new(),
            client_attributes: Vec::new(),
            bytes: Vec::new(),
            btree_maps: Vec::new(),
            boxed: Vec::new(),
            server: true,
            client: true,
            json: false,
            tonic_stubs: false,
            google_in_place: false,
            runtime: "::cordial".to_owned(),
            out_dir: None,
            descriptor_set: None,
        }
    }

    /// Looks for imports in `dir` too, after the directories given to [`compile`](Self::compile).
    ///
    /// Its files are generated only if something imports them. `google/protobuf`, `google/api`,
    /// `google/rpc` and `cordial/v1` need no include directory: they come with the generator.
    pub fn include(mut self, dir: impl Into<PathBuf>) -> Self {
        self.includes.push(dir.into());
        self
    }

    /// Compiles only the files whose import name matches one of the selected patterns.
    ///
    /// A pattern may use `*` within a directory, `**` across directories and `?` for a character:
    /// `shop/v1/*.proto`, `**/service.proto`.
    pub fn select(mut self, pattern: impl Into<String>) -> Self {
        self.selected.push(pattern.into());
        self
    }

    /// Leaves out the files whose import name matches the pattern, unless another file imports them.
    ///
    /// Patterns are those of [`select`](Self::select).
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.excluded.push(pattern.into());
        self
    }

    /// Takes a package or a type from a Rust path instead of generating it.
    ///
    /// ```
    /// # use cordial_codegen::Config;
    /// Config::new().extern_path("acme.money.v1", "::acme_money::v1");
    /// ```
    pub fn extern_path(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.extern_paths.push((name.into(), path.into()));
        self
    }

    /// Puts attributes on messages, enums and oneofs.
    ///
    /// ```
    /// # use cordial_codegen::Config;
    /// Config::new().type_attribute("shop.v1", "#[derive(serde::Serialize)]");
    /// ```
    pub fn type_attribute(mut self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.type_attributes.push((name.into(), attribute.into()));
        self
    }

    /// Puts attributes on messages only.
    pub fn message_attribute(
        mut self,
        name: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        self.message_attributes
            .push((name.into(), attribute.into()));
        self
    }

    /// Puts attributes on enums and oneofs only.
    pub fn enum_attribute(mut self, name: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.enum_attributes.push((name.into(), attribute.into()));
        self
    }

    /// Puts attributes on fields and enum values.
    ///
    /// A field of a oneof is named through the oneof: `shop.v1.Payment.method.card`.
    ///
    /// ```
    /// # use cordial_codegen::Config;
    /// Config::new().field_attribute("shop.v1.Card.number", "#[serde(skip)]");
    /// ```
    pub fn field_attribute(
        mut self,
        name: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        self.field_attributes.push((name.into(), attribute.into()));
        self
    }

    /// Puts attributes on the traits of services.
    ///
    /// ```
    /// # use cordial_codegen::Config;
    /// Config::new().service_attribute("shop.v1.Carts", "#[mockall::automock]");
    /// ```
    pub fn service_attribute(
        mut self,
        name: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        self.service_attributes
            .push((name.into(), attribute.into()));
        self
    }

    /// Puts attributes on the clients of services.
    pub fn client_attribute(
        mut self,
        name: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        self.client_attributes.push((name.into(), attribute.into()));
        self
    }

    /// Makes `bytes` fields `Bytes`, which are shared, instead of `Vec<u8>`, which is copied.
    pub fn bytes(mut self, name: impl Into<String>) -> Self {
        self.bytes.push(name.into());
        self
    }

    /// Makes maps `BTreeMap`, which is sorted, instead of `HashMap`.
    pub fn btree_map(mut self, name: impl Into<String>) -> Self {
        self.btree_maps.push(name.into());
        self
    }

    /// Puts fields in a `Box`. Recursive fields are boxed unasked.
    pub fn boxed(mut self, name: impl Into<String>) -> Self {
        self.boxed.push(name.into());
        self
    }

    /// Generates no clients.
    pub fn server_only(mut self) -> Self {
        self.client = false;
        self
    }

    /// Generates no traits and no server functions.
    pub fn client_only(mut self) -> Self {
        self.server = false;
        self
    }

    /// Gives messages and enums their form in JSON, as protobuf's mapping has it.
    ///
    /// `cordial::json` writes and reads it, and so do `serde::Serialize` and `serde::Deserialize`, which
    /// the types then implement: attributes that derive these have to go. Each method says so to the
    /// protocols that speak JSON. Types that an [`extern_path`](Self::extern_path) leads to need a form of
    /// their own, `cordial::json::Json`. The feature `json` of `cordial` has to be on, as it is by default.
    pub fn json(mut self, yes: bool) -> Self {
        self.json = yes;
        self
    }

    /// Generates tonic's own client and server modules beside ours, for a step-by-step migration.
    ///
    /// They name the crates `tonic` and `tonic_prost`, which the user then depends on.
    pub fn tonic_stubs(mut self, yes: bool) -> Self {
        self.tonic_stubs = yes;
        self
    }

    /// Generates `google.api` and `google.rpc`, and `cordial.v1`, here instead of referring to the
    /// runtime's.
    pub fn google_in_place(mut self, yes: bool) -> Self {
        self.google_in_place = yes;
        self
    }

    /// The Rust path of the runtime: `::cordial` unless it is re-exported from elsewhere.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.runtime = path.into();
        self
    }

    /// Writes into `dir` instead of `OUT_DIR`. The directory must exist.
    pub fn out_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(dir.into());
        self
    }

    /// Writes the descriptor set, with comments, to this file too.
    ///
    /// The copy for the program itself, without comments, is always `_descriptors.bin` beside the
    /// generated code.
    pub fn descriptor_set(mut self, path: impl Into<PathBuf>) -> Self {
        self.descriptor_set = Some(path.into());
        self
    }

    /// Compiles directories, with every `.proto` below them, and single files.
    ///
    /// A file is known by its path below one of the directories, as `import` has it. Files that are
    /// imported from [`include`](Self::include) directories are generated as well.
    ///
    /// # Errors
    ///
    /// All mistakes of all files at once; then nothing is written.
    pub fn compile<I>(self, roots: I) -> Result
    where
        I: IntoIterator,
        I::Item: AsRef<Path>,
    {
        let roots: Vec<_> = roots
            .into_iter()
            .map(|root| root.as_ref().to_owned())
            .collect();
        compile::run(&self, &roots)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
