//! `feature_shape`: rows that are pictures.

use serde::{Deserialize, Serialize};
use unrolled_data::DataSet;

use super::Loaded;
use crate::Error;

/// The shape of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum FeatureShape {
    /// Height and width.
    Plane([usize; 2]),
    /// Channels, height and width.
    Channels([usize; 3]),
}

impl FeatureShape {
    fn image(self) -> [usize; 3] {
        match self {
            Self::Plane([height, width]) => [1, height, width],
            Self::Channels(image) => image,
        }
    }

    fn written(self) -> String {
        match self {
            Self::Plane(shape) => format!("{shape:?}"),
            Self::Channels(shape) => format!("{shape:?}"),
        }
    }
}

/// Examples that are pictures of this shape, where it is said.
pub(super) fn shaped(
    mut data: DataSet,
    feature_shape: Option<FeatureShape>,
) -> Result<Loaded, Error> {
    let features = data.features();
    if let Some(shape) = feature_shape {
        let image = shape.image();
        let product = image.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
        if product != Some(features) {
            let count = if matches!(shape, FeatureShape::Plane(_)) { "two" } else { "three" };
            return Err(Error::at(
                "data.feature_shape",
                format!(
                    "`data.feature_shape` is {}, but an example has {features} features; write {count} numbers whose \
                     product is {features}",
                    shape.written()
                ),
            ));
        }
        data.image = data.image.or(Some(image));
    }
    let plane = data.image.filter(|image| image[0] == 1).map(|[_, height, width]| [height, width]);
    let feature_shape = match feature_shape {
        Some(FeatureShape::Plane(plane)) => Some(plane),
        _ => plane,
    };
    Ok(Loaded { data, preprocessing: None, feature_shape })
}
