//! Services: the names of traits, clients, functions and constants.

use super::{Check, NAME, Namespace};
use crate::model::{Package, Service, Spot};

impl Check<'_> {
    /// Checks what services and options add to the names that messages take.
    pub(super) fn services(&mut self, package: &Package, mut types: Namespace) {
        let mut values = Namespace::default();
        for service in &package.services {
            let spot = named(&service.place);
            let help = "rename one of the two";
            let what = format!("service `{}`", service.proto_name);
            types.take(&service.name, &what, &spot, help, self);
            let client = format!("the client of service `{}`", service.proto_name);
            types.take(&service.client, &client, &spot, help, self);
            let function = format!("the server function of service `{}`", service.proto_name);
            values.take(&service.server, &function, &spot, help, self);
            self.methods(service);
            for method in &service.methods {
                let what = format!(
                    "the constant of method `{}.{}`",
                    service.proto_name, method.proto_name
                );
                values.take(&method.constant, &what, &named(&method.place), help, self);
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
                "rename one of the two",
                self,
            );
        }
    }

    fn methods(&mut self, service: &Service) {
        let mut methods = Namespace::default();
        for method in &service.methods {
            let spot = named(&method.place);
            if method.name.is_empty() {
                self.nameless("method", &method.proto_name, &spot);
            } else {
                let what = format!("method `{}`", method.proto_name);
                methods.take(
                    &method.name,
                    &what,
                    &spot,
                    "rename one: Rust methods are in snake_case",
                    self,
                );
            }
        }
    }
}

fn named(spot: &Spot) -> Spot {
    let mut spot = spot.clone();
    spot.path.push(NAME);
    spot
}
