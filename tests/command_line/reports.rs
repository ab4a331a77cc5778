//! Reports: of damaged run directories, of several at once, and what they say.
