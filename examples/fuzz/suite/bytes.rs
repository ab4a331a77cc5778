//! Damage to bytes, whatever they mean.

use super::random::Random;

/// A few damages.
pub fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..random.few(4) {
        damage_once(random, bytes);
    }
}

fn damage_once(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    let length = random.few(16).min(bytes.len() - at);
    match random.below(9) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = *random.of(&[0, 1, 0x7f, 0x80, 0xff, b'[', b'"']),
        2 => drop(bytes.drain(at..at + length)),
        3 => bytes.truncate(at),
        4 => {
            let again = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, again);
        }
        5 => {
            let new: Vec<u8> = (0..random.few(16)).map(|_| random.next() as u8).collect();
            bytes.splice(at..at, new);
        }
        6 => overwrite(bytes, at, &random.awkward().to_le_bytes()),
        7 => overwrite(bytes, at, &(random.awkward() as u32).to_le_bytes()),
        _ => overwrite(bytes, at, &(random.awkward() as u32).to_be_bytes()),
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes.iter_mut().skip(at).zip(with).for_each(|(old, new)| *old = *new);
}
