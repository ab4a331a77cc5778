//! Back through the decoder and the iterations that were kept.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::back::{Below, Direct, Incoming, Scratch, Step};
use super::forward::share;
use super::geometry::Band;
use super::gradients::{ConvolutionalGradients, Sums};
use super::packed::Packed;
use super::passed::Passed;
use super::{ConvolutionalUnroll, Cotangents, patches};
use crate::number::Number;
use crate::ordered::in_order;
use crate::problem::{Misfit, Operator};

/// Sums that are kept apart, over all examples. Fixed by sizes, so that threads do not matter.
const GROUPS: usize = 16;

pub(super) fn adjoint<T: Number>(
    unroll: &ConvolutionalUnroll<T>,
    passed: &Passed<T>,
    of: Cotangents<T>,
) -> Result<ConvolutionalGradients<T>, Misfit> {
    unroll.check_adjoint(passed, &of)?;
    let geometry = &passed.geometry;
    let sets = std::iter::once(&unroll.decoder).chain(&unroll.synthesis).chain(&unroll.analysis);
    let all =
        Adjoint { unroll, passed, of, filters: Packed::rows(geometry, sets), arch: Arch::new() };
    let n = passed.examples.len();
    let mut total: Option<Sums<T>> = None;
    let mut take = |_: usize, sums: Vec<Sums<T>>| {
        for sums in sums {
            match &mut total {
                None => total = Some(sums),
                Some(total) => total.add(&sums),
            }
        }
    };
    match share(n) {
        true => rayon::scope(|_| {
            (0..n).for_each(|index| take(index, all.example(index, true)));
        }),
        false => in_order(n, |index| all.example(index, false), take),
    }
    let total = total.unwrap_or_else(|| Sums::new(unroll, geometry, passed.window));
    Ok(total.finish(unroll, geometry))
}

struct Adjoint<'a, T> {
    unroll: &'a ConvolutionalUnroll<'a, T>,
    passed: &'a Passed<T>,
    of: Cotangents<'a, T>,
    /// D, then B, then A.
    filters: Packed<T>,
    arch: Arch,
}

/// Neighbouring bands with sums of their own.
struct Group<T> {
    bands: Range<usize>,
    states: Vec<State<T>>,
    sums: Sums<T>,
    scratch: Scratch<T>,
}

struct State<T> {
    /// s, and that after it.
    s: Vec<T>,
    after: Vec<T>,
    /// What this band says of A s.
    says: Vec<T>,
    incoming: Vec<T>,
}

/// An example on its way back: z after `depth` iterations of the window.
struct Place<'a, T> {
    index: usize,
    depth: usize,
    said: &'a [Vec<T>],
}

impl<T: Number> Adjoint<'_, T> {
    fn example(&self, index: usize, shared: bool) -> Vec<Sums<T>> {
        let Passed { geometry, bands, window, iterations, examples, .. } = self.passed;
        let groups = GROUPS.div_ceil(examples.len()).min(bands.len());
        let state = |band: &Band| State {
            s: Vec::new(),
            after: Vec::new(),
            says: patches::strip(geometry, band),
            incoming: patches::strip(geometry, band),
        };
        let group = |group: usize| {
            let some = group * bands.len() / groups..(group + 1) * bands.len() / groups;
            Group {
                states: bands[some.clone()].iter().map(state).collect(),
                bands: some,
                sums: Sums::new(self.unroll, geometry, *window),
                scratch: Scratch::new(geometry),
            }
        };
        let mut groups: Vec<_> = match shared {
            true => (0..groups).into_par_iter().map(group).collect(),
            false => (0..groups).map(group).collect(),
        };
        let mut said: Vec<Vec<T>> = bands.iter().map(|b| patches::strip(geometry, b)).collect();
        for depth in (0..=*window).rev() {
            // z_0 is 0.
            if depth == 0 && window == iterations {
                break;
            }
            let place = Place { index, depth, said: &said };
            match shared {
                true => {
                    groups.par_iter_mut().with_max_len(1).for_each(|group| self.back(&place, group))
                }
                false => groups.iter_mut().for_each(|group| self.back(&place, group)),
            }
            let states = groups.iter_mut().flat_map(|group| &mut group.states);
            for (said, state) in said.iter_mut().zip(states) {
                std::mem::swap(said, &mut state.says);
            }
        }
        groups.into_iter().map(|group| group.sums).collect()
    }

    fn back(&self, place: &Place<T>, group: &mut Group<T>) {
        let Passed { geometry, bands, window, iterations, examples, .. } = self.passed;
        let unroll = self.unroll;
        let Group { states, sums, scratch, .. } = group;
        let last = place.depth == *window;
        let t = iterations - window + place.depth;
        let b = ConvolutionalUnroll::set(&unroll.synthesis, t);
        for (which, state) in group.bands.clone().zip(states) {
            let (band, kept) = (&bands[which], &examples[place.index][which]);
            let State { s, after, says, incoming: strip } = state;
            std::mem::swap(s, after);
            let present = self.incoming(place, band, strip);
            let incoming = present.then(|| match last {
                true => Incoming {
                    strip,
                    filters: self.filters.set(0),
                    factor: T::ONE,
                    gradient: &mut sums.decoder,
                },
                false => Incoming {
                    strip,
                    filters: self.filters.set(1 + b),
                    factor: -unroll.step,
                    gradient: &mut sums.synthesis[b],
                },
            });
            let codes = self.of.codes.map(|codes| codes.row(place.index));
            let direct = match last {
                true => Direct::Last(self.of.penalty, codes),
                false => Direct::After(&kept.iterates[place.depth + 1], after),
            };
            let below = (place.depth > 0).then(|| {
                let a = ConvolutionalUnroll::set(&unroll.analysis, t - 1);
                says.fill(T::ZERO);
                let thresholds = &mut sums.thresholds[(t - 1) * geometry.filters..];
                Below {
                    residual: &kept.residuals[place.depth - 1],
                    filters: self.filters.set(1 + unroll.synthesis.len() + a),
                    gradient: &mut sums.analysis[a],
                    thresholds: (unroll.operator == Operator::Soft)
                        .then_some(&mut thresholds[..geometry.filters]),
                    out: (t > 1).then_some(says),
                }
            });
            self.arch.dispatch(Step {
                geometry,
                band,
                codes: &kept.iterates[place.depth],
                incoming,
                direct,
                below,
                s,
                scratch,
            });
        }
    }

    /// The derivative by the image that these codes make, to `strip`; false where there is none.
    fn incoming(&self, place: &Place<T>, band: &Band, strip: &mut [T]) -> bool {
        let Passed { geometry, bands, window, .. } = self.passed;
        let height = band.height * geometry.image[1];
        if place.depth == *window {
            let Some(images) = self.of.images else { return false };
            let channels = strip.chunks_exact_mut(height);
            for (to, from) in channels.zip(geometry.under(band, images.row(place.index))) {
                to.copy_from_slice(from);
            }
            return true;
        }
        strip.fill(T::ZERO);
        geometry.gather(bands, place.said, band, strip);
        if let Some(weights) = self.unroll.weights {
            let weights = weights.row(if weights.rows == 1 { 0 } else { place.index });
            let channels = strip.chunks_exact_mut(height);
            for (v, w) in channels.zip(geometry.under(band, weights)) {
                v.iter_mut().zip(w).for_each(|(v, w)| *v = *w * (*w * *v));
            }
        }
        true
    }
}
