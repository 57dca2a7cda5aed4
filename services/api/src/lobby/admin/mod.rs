//! What operators do about games.
