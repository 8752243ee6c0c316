//! Where in a file a part of an option is said.

use super::aggregate;
use crate::{
    check::Check,
    diagnostic::{Diagnostic, Place},
    model::Spot,
    policy,
};
use prost_reflect::{DescriptorPool, Kind};

impl Check<'_> {
    pub(super) fn fault(
        &mut self,
        at: &Spot,
        fields: &[i32],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic {
            place: self.place_within(at, fields),
            message: message.into(),
            help: vec![help.into()],
        };
        self.problems.push(diagnostic);
    }

    /// The place of a field of an option, whether it is set by a statement of its own, in that of a
    /// field around it, or by statements for the fields in it.
    fn place_within(&self, at: &Spot, fields: &[i32]) -> Option<Place> {
        let file = self.loaded.pool.get_file_by_name(&at.file)?;
        let info = file.file_descriptor_proto().source_code_info.as_ref()?;
        for depth in (0..=fields.len()).rev() {
            let (around, inner) = fields.split_at(depth);
            let path: Vec<_> = at.path.iter().chain(around).copied().collect();
            let mut locations = info.location.iter();
            let Some(location) = locations.find(|location| location.path.starts_with(&path)) else {
                continue;
            };
            let text = self.loaded.texts.get(&at.file).cloned().unwrap_or_default();
            let whole = location.path == path;
            let start = start(&location.span, &text.source).filter(|_| whole);
            let names = names(&self.loaded.pool, around, inner);
            let found = start.and_then(|start| aggregate::find(&text.source, start, &names));
            return match found {
                Some(range) => Some(Place::bytes(&text.shown, &text.source, range)),
                None => self.place(&Spot {
                    path: location.path.clone(),
                    ..at.clone()
                }),
            };
        }
        self.place(at)
    }
}

/// The byte at which a location starts.
fn start(span: &[i32], source: &str) -> Option<usize> {
    let &[line, column, ..] = span else {
        return None;
    };
    let lines = source.split_inclusive('\n');
    let before: usize = lines.take(usize::try_from(line).ok()?).map(str::len).sum();
    Some(before + usize::try_from(column).ok()?)
}

/// The names of `inner` fields, within those of `around`, within a policy.
fn names(pool: &DescriptorPool, around: &[i32], inner: &[i32]) -> Vec<String> {
    let mut message = pool.get_message_by_name(policy::MESSAGE);
    let mut names = Vec::new();
    for number in around.iter().chain(inner) {
        let number = u32::try_from(*number).unwrap_or_default();
        let Some(field) = message.and_then(|message| message.get_field(number)) else {
            break;
        };
        names.push(field.name().to_owned());
        message = match field.kind() {
            Kind::Message(message) => Some(message),
            _ => None,
        };
    }
    names.split_off(around.len().min(names.len()))
}
