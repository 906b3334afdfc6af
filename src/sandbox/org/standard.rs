//! Standard objects.
