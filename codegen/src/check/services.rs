//! Services: the names of traits, clients, functions and constants.

use super::{Check, NAME, Namespace};
use crate::model::{Package, Service, Spot};

const RENAME: &str = "rename one of the two";

impl Check<'_> {
    /// Checks what services and options add to the names that messages take.
    pub(super) fn services(&mut self, package: &Package, mut types: Namespace) {
        let mut values = Namespace::default();
        for service in &package.services {
            if self.service(service, &mut types, &mut values) {
                self.methods(service, &mut values);
            }
        }
        for extension in &package.extensions {
            let what = format!(
                "the constant of option `{}`",
                extension.constant.to_lowercase()
            );
            values.take(
                &extension.constant,
                &what,
                &named(&extension.place),
                RENAME,
                self,
            );
        }
    }

    fn service(
        &mut self,
        service: &Service,
        types: &mut Namespace,
        values: &mut Namespace,
    ) -> bool {
        let (spot, name) = (named(&service.place), &service.proto_name);
        if service.name.is_empty() {
            self.nameless("service", name, &spot);
            return false;
        }
        types.take(
            &service.name,
            &format!("service `{name}`"),
            &spot,
            RENAME,
            self,
        ) && types.take(
            &service.client,
            &format!("the client of service `{name}`"),
            &spot,
            RENAME,
            self,
        ) && values.take(
            &service.server,
            &format!("the server function of service `{name}`"),
            &spot,
            RENAME,
            self,
        )
    }

    fn methods(&mut self, service: &Service, values: &mut Namespace) {
        let mut methods = Namespace::default();
        for method in &service.methods {
            let (spot, name) = (named(&method.place), &method.proto_name);
            if method.name.is_empty() {
                self.nameless("method", name, &spot);
                continue;
            }
            let what = format!("the constant of method `{}.{name}`", service.proto_name);
            let _ = methods.take(
                &method.name,
                &format!("method `{name}`"),
                &spot,
                "rename one: Rust methods are in snake_case",
                self,
            ) && values.take(&method.constant, &what, &spot, RENAME, self);
        }
    }
}

fn named(spot: &Spot) -> Spot {
    let mut spot = spot.clone();
    spot.path.push(NAME);
    spot
}
