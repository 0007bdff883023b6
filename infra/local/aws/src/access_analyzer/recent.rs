//! What was used by those whose policies were read last: every form of a policy is made of the same, and
//! to find it out takes long.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::principals::Use;

/// How many are kept: accounts are read side by side.
const MOST: usize = 256;

/// By the id of a generation and the moment of which it is.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(String, Timestamp, Arc<[Use]>)>);

impl Recent {
    pub(super) fn uses(&mut self, id: &str, now: Timestamp, make: impl FnOnce() -> Vec<Use>) -> Arc<[Use]> {
        if let Some((.., uses)) = self.0.iter().find(|(of, at, _)| of == id && *at == now) {
            return Arc::clone(uses);
        }
        let uses: Arc<[Use]> = make().into();
        self.0.truncate(MOST - 1);
        self.0.push_front((id.to_owned(), now, Arc::clone(&uses)));
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_is_not_made_again_while_it_is_kept() {
        let mut recent = Recent::default();
        let mut made = 0;
        let mut ask = |id: String, made: &mut usize| {
            recent.uses(&id, Timestamp::UNIX_EPOCH, || {
                *made += 1;
                Vec::new()
            })
        };
        for number in [0, 0, 1, 0] {
            ask(number.to_string(), &mut made);
        }
        assert_eq!(made, 2);
        for number in 2..MOST + 2 {
            ask(number.to_string(), &mut made);
        }
        ask("0".to_owned(), &mut made);
        assert_eq!(made, MOST + 3, "the oldest is forgotten");
    }
}
