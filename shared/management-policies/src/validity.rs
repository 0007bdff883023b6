//! What AWS documents to be wrong with an effective policy.

use crate::effective::{Attribute, Effective};
use crate::kind::PolicyKind;
use crate::pointer;
use crate::problem::{Problem, Problems};
use crate::syntax::{self, Shape};
use crate::value::SettingValue;

/// What is wrong with an effective policy by AWS's documentation, as far as its attributes are known.
///
/// That is, for EC2 policies: a required member that is missing in a group that has others, and a
/// list of image criteria with more values than EC2 takes. For tag policies nothing is documented.
///
/// The codes of `ListEffectivePolicyValidationErrors` are not told: the API names one of them as an
/// example and documents none.
pub fn problems(effective: &Effective) -> Vec<Problem> {
    let mut problems = Problems::default();
    if effective.kind() == PolicyKind::DeclarativeEc2 {
        let top = pointer::join("", effective.kind().top_key());
        group(syntax::below_top(effective.kind()), &top, effective, &mut problems);
    }
    problems.finish()
}

fn group(shape: &'static Shape, path: &str, effective: &Effective, problems: &mut Problems) {
    if !is_there(path, effective) {
        return;
    }
    for name in syntax::required_members(shape) {
        let member = pointer::join(path, name);
        if !effective.attributes().contains_key(&member) {
            problems.wrong(
                path,
                format!("{name} is missing, which AWS's guide marks as required"),
                format!("{name} from a policy at any level"),
            );
        }
    }
    for (name, member) in shape.members() {
        let at = pointer::join(path, &name);
        if let (Some(most), Some(Attribute::Known(SettingValue::Many(items)))) =
            (member.most(), effective.attributes().get(&at))
            && items.len() > most
        {
            problems.wrong(
                &at,
                format!("the list has {} values", items.len()),
                format!("at most {most} values"),
            );
        }
        group(member, &at, effective, problems);
    }
}

/// Whether a group has an attribute that is known to be in the effective policy.
fn is_there(group: &str, effective: &Effective) -> bool {
    let inside = format!("{group}/");
    effective
        .attributes()
        .range(inside.clone()..)
        .take_while(|(path, _)| path.starts_with(&inside))
        .any(|(_, attribute)| matches!(attribute, Attribute::Known(_)))
}
