//! What the statements and steps look like and do.
