//! Small programs and what they must give.
