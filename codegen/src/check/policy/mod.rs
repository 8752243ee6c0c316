//! Policies: what `cordial/v1/options.proto` says must be possible, and must hold for something.

mod aggregate;
mod place;
mod values;

use super::Check;
use crate::{
    model::{Idempotency, Method, MethodKind, Package, Service, Spot},
    policy::{self, Policy, Unfit},
};
use prost_reflect::{MessageDescriptor, ServiceDescriptor};

/// Fields of the options' messages.
const TIMEOUT: i32 = 1;
const RETRY: i32 = 3;
const HEDGING: i32 = 4;
const SINGLE_ATTEMPT: i32 = 5;
const HASH_FIELD: i32 = 7;

/// `FieldDescriptorProto.number`
const FIELD_NUMBER: i32 = 3;

/// Where options are in the descriptors of services and methods.
const OF_SERVICE: i32 = 3;
const OF_METHOD: i32 = 4;

impl Check<'_> {
    /// Checks the policies of a package's services and methods.
    pub(super) fn policies(&mut self, package: &Package) {
        self.own_number(package);
        if !policy::is_known(&self.loaded.pool) {
            return;
        }
        for service in &package.services {
            let Some(descriptor) = self.loaded.pool.get_service_by_name(&service.full_name())
            else {
                continue;
            };
            let options = service
                .methods
                .first()
                .map(|method| &method.service_options);
            let default = options.and_then(|options| policy::of(&self.loaded.pool, options));
            if let Some(default) = default {
                let at = option(&service.place, OF_SERVICE);
                self.policy_values(&default, &at);
                self.default_reaches(service, &descriptor, &default, &at);
            }
            for (method, descriptor) in service.methods.iter().zip(descriptor.methods()) {
                if let Some(own) = policy::of(&self.loaded.pool, &method.options) {
                    let at = option(&method.place, OF_METHOD);
                    self.policy_values(&own, &at);
                    self.allowed(method, &descriptor.input(), &own, &at);
                }
            }
        }
    }

    /// An option of the user's own that would be read as a policy.
    fn own_number(&mut self, package: &Package) {
        let taken = package.extensions.iter().filter(|extension| {
            extension.number == policy::NUMBER && extension.place.file != policy::FILE
        });
        for extension in taken {
            let message = format!("option number {} is cordial's own", policy::NUMBER);
            let help = "take another: cordial would read the option as a policy for calls";
            let mut spot = extension.place.clone();
            spot.path.push(FIELD_NUMBER);
            self.report(&spot, message, help);
        }
    }

    /// What a method's policy may say only of some methods.
    fn allowed(&mut self, method: &Method, request: &MessageDescriptor, own: &Policy, at: &Spot) {
        let said = [
            (RETRY, "retry", own.retry.is_some()),
            (HEDGING, "hedging", own.hedging.is_some()),
            (HASH_FIELD, "hash_field", own.hash_name().is_some()),
        ];
        for (field, name, _) in said.into_iter().filter(|(_, _, said)| *said) {
            if let Some((message, help)) = refusal(method, field, name) {
                self.fault(at, &[field], message, help);
            }
        }
        if let Some(name) = own.hash_name()
            && sends_one(method)
            && let Err(Unfit::Missing { message, help } | Unfit::Shape { message, help }) =
                policy::hash_path(request, name)
        {
            self.fault(at, &[HASH_FIELD], message, help);
        }
    }

    /// A default that holds for no method is a mistake; that it does not hold for some is its nature.
    fn default_reaches(
        &mut self,
        service: &Service,
        descriptor: &ServiceDescriptor,
        default: &Policy,
        at: &Spot,
    ) {
        let any = |allows: fn(&Method) -> bool| service.methods.iter().any(allows);
        let none = |name| format!("`{name}` holds for no method of `{}`", service.proto_name);
        if default.retry.is_some() && !any(allows_retry) {
            let help = "none says `option idempotency_level = IDEMPOTENT;` or `NO_SIDE_EFFECTS`, with one request";
            self.fault(at, &[RETRY], none("retry"), help);
        }
        if default.hedging.is_some() && !any(allows_hedging) {
            let help = "none says `option idempotency_level = NO_SIDE_EFFECTS;`, with one request";
            self.fault(at, &[HEDGING], none("hedging"), help);
        }
        if let Some(name) = default.hash_name() {
            self.default_hash(service, descriptor, name, at);
        }
    }

    fn default_hash(
        &mut self,
        service: &Service,
        descriptor: &ServiceDescriptor,
        name: &str,
        at: &Spot,
    ) {
        let methods = service.methods.iter().zip(descriptor.methods());
        let mut found = false;
        let mut missing = None;
        for (_, method) in methods.filter(|(method, _)| sends_one(method)) {
            match policy::hash_path(&method.input(), name) {
                Ok(_) => found = true,
                Err(Unfit::Missing { message, help }) => {
                    missing = missing.or(Some((message, help)))
                }
                Err(Unfit::Shape { message, help }) => {
                    found = true;
                    let message = format!("{message} in `{}`", method.input().name());
                    self.fault(at, &[HASH_FIELD], message, help);
                }
            }
        }
        if !found {
            let message = format!(
                "`hash_field` holds for no method of `{}`",
                service.proto_name
            );
            let (nearest, help) =
                missing.unwrap_or_else(|| (String::new(), "none has one request".to_owned()));
            let help = match nearest.as_str() {
                "" => help,
                nearest => format!("{nearest}: {help}"),
            };
            self.fault(at, &[HASH_FIELD], message, help);
        }
    }
}

/// Where the policy of a method or service is.
fn option(owner: &Spot, options: i32) -> Spot {
    let mut spot = owner.clone();
    let number = i32::try_from(policy::NUMBER).unwrap_or_default();
    spot.path.extend([options, number]);
    spot
}

fn sends_one(method: &Method) -> bool {
    matches!(method.kind, MethodKind::Unary | MethodKind::ServerStreaming)
}

fn allows_retry(method: &Method) -> bool {
    sends_one(method) && method.idempotency != Idempotency::Unknown
}

fn allows_hedging(method: &Method) -> bool {
    sends_one(method) && method.idempotency == Idempotency::NoSideEffects
}

/// Why a method cannot have a part of a policy, and what to do.
fn refusal(method: &Method, field: i32, name: &str) -> Option<(String, &'static str)> {
    if !sends_one(method) {
        let help = match field {
            HASH_FIELD => "delete it: a server is chosen before there is a request to look into",
            _ => "delete it: what was sent of a stream is not kept to be sent again",
        };
        return Some((
            format!("`{name}` on a method whose requests are a stream"),
            help,
        ));
    }
    match field {
        RETRY if !allows_retry(method) => Some((
            "`retry` on a method that is not idempotent".to_owned(),
            "if a second call does no more than one, write `option idempotency_level = IDEMPOTENT;`\n\
             if calls change nothing, write `option idempotency_level = NO_SIDE_EFFECTS;`\n\
             else delete the `retry`",
        )),
        HEDGING if !allows_hedging(method) => Some((
            "`hedging` on a method that may have side effects".to_owned(),
            "if calls change nothing, write `option idempotency_level = NO_SIDE_EFFECTS;`\n\
             else delete the `hedging`",
        )),
        _ => None,
    }
}
