//! `feature_shape`: rows that are pictures.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use unrolled_data::DataSet;

use super::Loaded;
use crate::Error;

/// The shape of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum FeatureShape {
    /// Height and width.
    Plane([usize; 2]),
    /// Channels, height and width.
    Channels([usize; 3]),
}

impl<'de> Deserialize<'de> for FeatureShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let side = |value: &toml::Value| usize::try_from(value.as_integer()?).ok();
        let sides =
            value.as_array().map(|sides| sides.iter().map(side).collect::<Option<Vec<_>>>());
        match sides.flatten().as_deref() {
            Some(&[height, width]) => Ok(Self::Plane([height, width])),
            Some(&[channels, height, width]) => Ok(Self::Channels([channels, height, width])),
            _ => Err(D::Error::custom(format!(
                "{value}; write [height, width], or [channels, height, width]"
            ))),
        }
    }
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
