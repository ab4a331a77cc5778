//! Zip and gzip, written by hand so that they can lie.

use super::random::Random;

/// An entry of a zip archive, as its headers describe it.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    /// 0: stored, 8: deflated.
    pub method: u16,
    pub checksum: u32,
    /// Bytes in the archive, and when unpacked.
    pub sizes: [u32; 2],
    pub content: Vec<u8>,
}

impl Entry {
    /// As it is.
    pub fn stored(name: &str, content: Vec<u8>) -> Self {
        let (checksum, size) = (crc32fast::hash(&content), content.len() as u32);
        Self { name: name.to_owned(), method: 0, checksum, sizes: [size; 2], content }
    }

    /// Followed by many zeros, deflated to a hundredth and less.
    pub fn inflated(name: &str, content: &[u8], zeros: usize) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(content);
        let block = vec![0; 1 << 20];
        (0..zeros)
            .step_by(block.len())
            .for_each(|at| hasher.update(&block[..block.len().min(zeros - at)]));
        let packed = deflate(content, zeros);
        let sizes = [packed.len() as u32, (content.len() + zeros) as u32];
        Self {
            name: name.to_owned(),
            method: 8,
            checksum: hasher.finalize(),
            sizes,
            content: packed,
        }
    }

    /// Makes its headers lie.
    pub fn lie(&mut self, random: &mut Random) {
        match random.below(5) {
            0 => self.sizes[0] = random.awkward() as u32,
            1 => self.sizes[1] = random.awkward() as u32,
            2 => self.method = *random.of(&[0, 8, 9, 12, 14, 93, 99]),
            3 => self.checksum ^= 1,
            _ => {
                self.name = random
                    .pick(&["", "X", ".npy", "../X.npy", "X.npy", "a/b.npy", "\u{e9}.npy"])
                    .to_owned()
            }
        }
    }
}

/// A zip archive.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let common = |entry: &Entry, into: &mut Vec<u8>| {
        let [packed, plain] = entry.sizes;
        [20, 0, entry.method, 0, 0x5d76].iter().for_each(|v: &u16| into.extend(v.to_le_bytes()));
        [entry.checksum, packed, plain].iter().for_each(|v| into.extend(v.to_le_bytes()));
        [entry.name.len() as u16, 0].iter().for_each(|v| into.extend(v.to_le_bytes()));
    };
    for entry in entries {
        let offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04");
        common(entry, &mut bytes);
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.content);
        directory.extend(b"PK\x01\x02\x14\x00");
        common(entry, &mut directory);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let [size, start] = [directory.len() as u32, bytes.len() as u32];
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    [entries.len() as u16; 2].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    [size, start].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes.extend([0, 0]);
    bytes
}

/// The stored entries of an archive, by its local headers.
pub fn stored_entries(mut bytes: &[u8]) -> Vec<Entry> {
    let number = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
    };
    let mut entries = Vec::new();
    while bytes.len() > 30 && bytes.starts_with(b"PK\x03\x04") {
        let (size, name) = (number(bytes, 18), number(bytes, 26) & 0xffff);
        let start = 30 + name + (number(bytes, 26) >> 16);
        let text = String::from_utf8_lossy(&bytes[30..30 + name]);
        entries.push(Entry::stored(&text, bytes[start..start + size].to_vec()));
        bytes = &bytes[start + size..];
    }
    entries
}

/// A gzip file, its content deflated.
pub fn gzip(content: &[u8], zeros: usize) -> Vec<u8> {
    let entry = Entry::inflated("", content, zeros);
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    bytes.extend(entry.content);
    bytes.extend(entry.checksum.to_le_bytes());
    bytes.extend(entry.sizes[1].to_le_bytes());
    bytes
}

/// DEFLATE: the content in stored blocks, then zeros as matches of 258 bytes, 13 bits each.
fn deflate(content: &[u8], zeros: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in content.chunks(65_535) {
        bytes.push(0);
        bytes.extend((block.len() as u16).to_le_bytes());
        bytes.extend((!(block.len() as u16)).to_le_bytes());
        bytes.extend(block);
    }
    let mut bits = Bits { bytes, filled: 0 };
    // The last block, with the fixed codes.
    bits.put(0b011, 3);
    let literal = |bits: &mut Bits| bits.put(0b0000_1100, 8);
    let matches =
        |bits: &mut Bits, count: usize| (0..count).for_each(|_| bits.put(0b0_0000_1010_0011, 13));
    let matched = zeros.saturating_sub(1) / 258;
    (0..zeros - 258 * matched).for_each(|_| literal(&mut bits));
    // Eight matches are thirteen bytes, the same again and again.
    let groups = matched / 8;
    matches(&mut bits, 8 * groups.min(2));
    if groups > 2 {
        let last = bits.bytes.pop().unwrap_or_default();
        let again = bits.bytes[bits.bytes.len() - 13..].to_vec();
        (2..groups).for_each(|_| bits.bytes.extend(&again));
        bits.bytes.push(last);
    }
    matches(&mut bits, matched % 8);
    bits.put(0, 7);
    bits.bytes
}

struct Bits {
    bytes: Vec<u8>,
    filled: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for bit in 0..count {
            if self.filled.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> bit & 1 == 1
                && let Some(last) = self.bytes.last_mut()
            {
                *last |= 1 << (self.filled % 8);
            }
            self.filled += 1;
        }
    }
}
