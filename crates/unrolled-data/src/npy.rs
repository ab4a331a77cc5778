//! The header of NumPy's .npy format.

use std::io::Read;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use crate::fault::Fault;
use crate::memory::reserve;
use crate::numbers::Number;

/// NumPy refuses longer headers too.
const LONGEST: usize = 10_000;
/// A dictionary of a list of tuples of tuples is the most that NumPy writes for plain records. The
/// parser's time doubles and more with every further bracket.
const DEEPEST: usize = 4;
/// Shapes of no more digits than these have a product below 2⁶³.
const MOST_DIGITS: usize = 18;

/// What a header says of the numbers behind it.
#[derive(Debug)]
pub(crate) struct Header {
    pub shape: Vec<usize>,
    pub order: Order,
    /// How the numbers are written; the name of a type that is not read.
    pub number: Result<Number, String>,
    /// The name of their type.
    pub name: String,
    /// Bytes of the header itself.
    pub length: u64,
}

impl Header {
    pub fn read(source: &mut impl Read) -> Result<Self, Fault> {
        let mut bytes = vec![0; 10];
        source.read_exact(&mut bytes)?;
        let mut length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        if !bytes.starts_with(b"\x93NUMPY") {
            return Err("it does not begin as NumPy's arrays do".into());
        }
        // Since version 2 the length has four bytes.
        if bytes[6] > 1 {
            let mut upper = [0; 2];
            source.read_exact(&mut upper)?;
            bytes.extend(upper);
            length += usize::from(u16::from_le_bytes(upper)) << 16;
        }
        if length > LONGEST {
            return Err(format!(
                "its header takes {length} bytes, and NumPy's are no longer than {LONGEST}"
            )
            .into());
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        source.read_exact(&mut bytes[start..])?;
        if !is_plain(&bytes[start..]) {
            return Err("its header is not one that NumPy writes for an array of numbers".into());
        }
        let header = NpyHeader::from_reader(&bytes[..])
            .map_err(|_| "its header is not a dictionary with descr, fortran_order and shape")?;
        let shape: Result<Vec<usize>, _> = header.shape().iter().map(|&d| d.try_into()).collect();
        Ok(Self {
            shape: shape.map_err(|_| "its shape is too large")?,
            order: header.order(),
            number: number(&header.dtype()),
            name: name(&header.dtype()),
            length: bytes.len() as u64,
        })
    }
}

/// Whether a header can be given to the parser: few brackets, few digits, nothing that hides one.
fn is_plain(text: &[u8]) -> bool {
    let (mut depth, mut digits) = (0, 0);
    let mut quote = None;
    for &byte in text {
        match (quote, byte) {
            (_, b'\\') => return false,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if depth > 0 => depth -= 1,
            (None, b'0'..=b'9') => digits += 1,
            (None, b' ' | b'\n' | b',' | b':') => {}
            // The letters of True and False.
            (None, b'T' | b'r' | b'u' | b'e' | b'F' | b'a' | b'l' | b's') => {}
            (None, _) => return false,
        }
        if depth > DEEPEST || digits > MOST_DIGITS {
            return false;
        }
    }
    true
}

/// Floats of 4 or 8 bytes in either byte order, little-endian integers and truth values; the description of any other
/// type.
fn number(dtype: &DType) -> Result<Number, String> {
    let found = match dtype {
        DType::Plain(kind) => match (kind.type_char(), kind.size_field(), kind.endianness()) {
            (TypeChar::Float, 2, Endianness::Little) => Some(Number::F16),
            (TypeChar::Float, 4, Endianness::Little) => Some(Number::F32),
            (TypeChar::Float, 8, Endianness::Little) => Some(Number::F64),
            (TypeChar::Float, 4, Endianness::Big) => Some(Number::BigEndianF32),
            (TypeChar::Float, 8, Endianness::Big) => Some(Number::BigEndianF64),
            (TypeChar::Bool, 1, _) => Some(Number::U8),
            (TypeChar::Int, 1, _) => Some(Number::I8),
            (TypeChar::Uint, 1, _) => Some(Number::U8),
            (TypeChar::Int, width, Endianness::Little) => Number::integer(width as usize, true),
            (TypeChar::Uint, width, Endianness::Little) => Number::integer(width as usize, false),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| name(dtype))
}

fn name(dtype: &DType) -> String {
    dtype.descr().trim_matches('\'').to_owned()
}

/// Values in Fortran order (first index fastest) to row-major order.
pub(crate) fn row_major(shape: &[usize], values: Vec<f64>) -> Result<Vec<f64>, Fault> {
    use ndarray::{ArrayD, ShapeBuilder};
    let mut ordered = reserve(values.len())?;
    let array = ArrayD::from_shape_vec(shape.to_vec().f(), values).map_err(|e| e.to_string())?;
    ordered.extend(array.iter());
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<Header, Fault> {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        Header::read(&mut &bytes[..])
    }

    fn with_shape(shape: &str) -> Result<Header, Fault> {
        read(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n"))
    }

    #[test]
    fn a_header_says_shape_order_and_type() {
        let header = with_shape("(60000, 784)").unwrap();
        assert_eq!((header.shape, header.order), (vec![60000, 784], Order::C));
        assert_eq!(header.number, Ok(Number::F64));
        let record =
            "{'descr': [('a', '<f8'), ('b', '>f4', (2,))], 'fortran_order': True, 'shape': (3,)}";
        let header = read(record).unwrap();
        assert!(
            header.order == Order::Fortran && header.number.unwrap_err().contains("('b', '>f4'")
        );
    }

    #[test]
    fn what_the_parser_takes_for_ever_over_is_refused_at_once() {
        let hidden = |n: usize| format!("('a\\'', {}'", "[".repeat(n));
        let long = format!("({})", "1, ".repeat(5000));
        let mut shapes: Vec<String> = ["[", "(", "{"].map(|open| open.repeat(60)).to_vec();
        shapes.extend([hidden(60), long, "4294967296, ".repeat(8), "0xffffffffffff".to_owned()]);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for shape in shapes {
                sender.send(with_shape(&shape).is_err()).unwrap();
            }
        });
        for _ in 0..7 {
            assert!(receiver.recv_timeout(Duration::from_secs(10)).unwrap());
        }
    }

    #[test]
    fn the_worst_header_that_is_tried_takes_little_time() {
        let began = std::time::Instant::now();
        for open in ["{", "[", "(", "{1:", "(1,"] {
            let text = format!("{}{}", open.repeat(DEEPEST), "'a',".repeat(2490));
            assert!(text.len() <= LONGEST && is_plain(text.as_bytes()));
            assert!(read(&text).is_err());
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
