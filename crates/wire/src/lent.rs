//! Names that still lie in the text of a frame. Checked like their owners, copied only where the text had escapes:
//! a send costs no allocation for whom it goes to.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::{ClientId, ParseIdError, Room};

/// A checked name (`N` is [`ClientId`] or [`Room`]) borrowed from a text.
pub struct Lent<'a, N> {
    text: Cow<'a, str>,
    name: PhantomData<fn() -> N>,
}

impl<'a, N> Lent<'a, N> {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, given back with its lifetime.
    pub fn into_text(self) -> Cow<'a, str> {
        self.text
    }
}

macro_rules! lent {
    ($name:ident) => {
        impl<'a> Lent<'a, $name> {
            /// Checks a name where it lies.
            pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, ParseIdError> {
                let text = text.into();
                $name::check(&text)?;
                Ok(Self { text, name: PhantomData })
            }

            /// A copy that outlives the text.
            pub fn to_name(&self) -> $name {
                $name::parse(&self.text).expect("a lent name was checked when it was made")
            }
        }

        impl<'a> From<&'a $name> for Lent<'a, $name> {
            fn from(name: &'a $name) -> Self {
                Self { text: Cow::Borrowed(name.as_str()), name: PhantomData }
            }
        }
    };
}

lent!(ClientId);
lent!(Room);

impl<N> Clone for Lent<'_, N> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), name: PhantomData }
    }
}

impl<N> PartialEq for Lent<'_, N> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<N> Eq for Lent<'_, N> {}

impl<N> fmt::Debug for Lent<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lent({})", self.text)
    }
}

impl<N> fmt::Display for Lent<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
