//! How memory is given and taken back.

/// Keeps what is freed for what is asked for next: a step of training frees arrays of megabytes that the next one needs again, and from
/// the system they come as pages that are first filled with zeros (a sixth of the time of steps with 1024 atoms).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_what_is_freed() {
    // SAFETY: no other thread runs yet, and the allocator takes or refuses what it is told.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
    }
}

/// Of other systems, as they do.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_what_is_freed() {}
