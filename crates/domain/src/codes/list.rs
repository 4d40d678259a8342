//! How a code list is made.

use std::fmt;

/// A text that is in no spelling of a code list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// The list in words.
    pub list: &'static str,
    /// The text as it came, cut after 40 characters.
    pub text: String,
    /// The codes that the list has, in its order.
    pub known: &'static [&'static str],
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:?} is unknown: use one of {}",
            self.list,
            self.text,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownCode {}

/// Makes an enum out of a code list: `Variant = "CODE", "LONG_NAME", "other spelling"...;`.
macro_rules! code_list {
    (
        $(#[$outer:meta])*
        $name:ident, $list:literal;
        $( $(#[$inner:meta])* $variant:ident = $code:literal, $long:literal $(, $also:literal)*; )+
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$inner])* $variant, )+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )+ ];

            const CODES: &'static [&'static str] = &[ $( $code, )+ ];

            /// Reads any spelling of the list, upper or lower case, spaces around it ignored.
            pub fn parse(text: &str) -> Result<Self, $crate::codes::UnknownCode> {
                let trimmed = text.trim();
                $(
                    if trimmed.eq_ignore_ascii_case($code)
                        || trimmed.eq_ignore_ascii_case($long)
                        $( || trimmed.eq_ignore_ascii_case($also) )*
                    {
                        return Ok($name::$variant);
                    }
                )+
                Err($crate::codes::UnknownCode {
                    list: $list,
                    text: trimmed.chars().take(40).collect(),
                    known: Self::CODES,
                })
            }

            /// The code that this project's events use.
            pub fn code(self) -> &'static str {
                match self { $( $name::$variant => $code, )+ }
            }

            /// The long name, as DCSA's version 3 writes it.
            pub fn long_name(self) -> &'static str {
                match self { $( $name::$variant => $long, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
