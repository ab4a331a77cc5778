//! Examples and atoms, each with what it is made of.

use super::Explained;
use super::rows::Rows;
use super::stored::{Atom, Test};
use crate::Error;
use crate::report::Figures;
use crate::report::table::{escape, number};

/// Codes of an example that are listed.
const CODES: usize = 12;

/// Every test example that is shown.
pub(super) fn tests(run: &Explained, figures: &mut Figures) -> Result<String, Error> {
    let rows = Rows::read(run)?;
    let mut html = String::new();
    for (at, test) in run.stored.tests.iter().enumerate() {
        html += &one_test(&rows, at, test, figures)?;
    }
    if !html.is_empty() {
        html += &format!(
            "<p class=\"source\">Numbers: <code>contributions.csv</code>; all weights in \
             <code>arrays.safetensors</code>, <code>{0}/test/contributions</code>; what is drawn in <code>{0}/test/examples</code>, \
             <code>…/reconstructions</code>, <code>…/saliency</code> and <code>{0}/shown/examples</code>.</p>\n",
            escape(&run.run.name)
        );
    }
    Ok(html)
}

fn one_test(rows: &Rows, at: usize, test: &Test, figures: &mut Figures) -> Result<String, Error> {
    let name = format!("{} example {}", rows.run.run.name, test.example);
    let (x, reconstructions) = (rows.array("test/examples")?, rows.array("test/reconstructions")?);
    let label = test.label.map_or(String::new(), |label| format!(", label {label}"));
    let mut html = format!("<h3>Example {}{label}</h3>\n", test.example);
    let pair = [x.row(at).to_vec(), reconstructions.row(at).to_vec()];
    let pair = [("example".to_owned(), &*pair[0]), ("reconstruction".to_owned(), &*pair[1])];
    let caption = "The example and its reconstruction; zero is grey.";
    let pair = rows.drawn(&pair, rows.of_examples, (caption, name.clone()), figures)?;
    html += &format!("<div class=\"figures\">\n{pair}</div>\n");
    let codes: Vec<String> = test
        .codes
        .iter()
        .take(CODES)
        .map(|code| format!("{} ({})", code.atom, number(code.code)))
        .collect();
    html += &format!(
        "<p>It uses {} atoms, by their codes: {}{}</p>\n",
        test.codes.len(),
        codes.join(", "),
        if test.codes.len() > CODES { ", …" } else { "." }
    );
    html += &saliency(rows, test, &name, figures)?;
    html += "<div class=\"figures\">\n";
    let (most, least) = match rows.run.stored.filter_shape {
        None => ("Training examples that build it most", "And that work against it most"),
        Some(_) => ("Training examples with the largest shares", "And with those furthest below 0"),
    };
    let lists = [
        (&test.most, most, "most"),
        (&test.least, least, "least"),
        (&test.similar_by_code, "Most similar by code (cosines)", "similar"),
    ];
    for (list, caption, what) in lists {
        html += &rows.weighed(list, None, (caption, format!("{name} {what}")), figures)?;
    }
    Ok(html + "</div>\n")
}

/// What the example does to the atoms that it uses most.
fn saliency(rows: &Rows, test: &Test, name: &str, figures: &mut Figures) -> Result<String, Error> {
    if test.saliency.is_empty() || rows.of_examples.is_none() {
        return Ok(String::new());
    }
    let (slopes, atoms) = (rows.array("test/saliency")?, rows.atoms()?);
    let (mut used, mut raising) = (Vec::new(), Vec::new());
    for one in &test.saliency {
        if one.row >= slopes.nrows() || one.atom >= atoms.nrows() {
            let path = rows.run.found.path.join("results.json");
            return Err(Error::damaged(
                &path,
                &format!("it shows the saliency of atom {}", one.atom),
            ));
        }
        used.push((format!("atom {}", one.atom), atoms.row(one.atom).to_vec()));
        raising.push((format!("atom {}", one.atom), slopes.row(one.row).to_vec()));
    }
    let (used, raising) = (borrowed(&used), borrowed(&raising));
    let listed: Vec<String> =
        test.saliency.iter().map(|one| format!("{} ({})", one.atom, number(one.code))).collect();
    let caption = format!("The atoms that the encoder uses most, with z_T: {}.", listed.join(", "));
    let first = rows.drawn(&used, rows.of_atoms, (&caption, format!("{name} atoms")), figures)?;
    let caption = "The saliency of each, ∂z/∂x through the unrolled encoder: what of the example raises the code.";
    let file = format!("{name} saliency");
    let second = rows.drawn(&raising, rows.of_examples, (caption, file), figures)?;
    Ok(format!("<div class=\"figures\">\n{first}{second}</div>\n"))
}

/// Named entries, as what draws them takes them.
fn borrowed(rows: &[(String, Vec<f64>)]) -> Vec<(String, &[f64])> {
    rows.iter().map(|(name, entries)| (name.clone(), entries.as_slice())).collect()
}

/// Every atom that is shown.
pub(super) fn atoms(run: &Explained, figures: &mut Figures) -> Result<String, Error> {
    let rows = Rows::read(run)?;
    let dictionary = rows.atoms()?;
    let mut html = String::new();
    for atom in &run.stored.atoms {
        if atom.atom >= dictionary.nrows() {
            let path = run.found.path.join("results.json");
            return Err(Error::damaged(&path, &format!("it shows atom {}", atom.atom)));
        }
        html += &one_atom(&rows, atom, &dictionary.row(atom.atom).to_vec(), figures)?;
    }
    if !html.is_empty() {
        let name = escape(&run.run.name);
        let weights = match run.stored.filter_shape {
            None => format!(
                "; all weights in <code>arrays.safetensors</code>, <code>{name}/contributions_to_atoms</code>"
            ),
            Some(_) => format!(
                "; the patches in <code>arrays.safetensors</code>, <code>{name}/shown/patches_of_atom_…</code>"
            ),
        };
        html +=
            &format!("<p class=\"source\">Numbers: <code>contributions.csv</code>{weights}.</p>\n");
    }
    Ok(html)
}

fn one_atom(
    rows: &Rows,
    atom: &Atom,
    entries: &[f64],
    figures: &mut Figures,
) -> Result<String, Error> {
    let name = format!("{} atom {}", rows.run.run.name, atom.atom);
    let used = match atom.used {
        0 => "used by no training example, so that none contributes to it".to_owned(),
        used => format!("used by {used} training examples"),
    };
    let mut html = format!("<h3>Atom {}, {used}</h3>\n", atom.atom);
    let itself = [("atom".to_owned(), entries)];
    let named = ("The atom; zero is grey.", name.clone());
    let itself = rows.drawn(&itself, rows.of_atoms, named, figures)?;
    html += &format!("<div class=\"figures\">\n{itself}</div>\n");
    let of_patches = rows.run.stored.filter_shape.is_some();
    let mut patches: Vec<Vec<f64>> = Vec::new();
    if of_patches && !(atom.built.is_empty() && atom.against.is_empty()) {
        let found = rows.array(&format!("shown/patches_of_atom_{}", atom.atom))?;
        patches = found.rows().into_iter().map(|row| row.to_vec()).collect();
    }
    let (built, against) = patches.split_at(atom.built.len().min(patches.len()));
    let captions = match of_patches {
        false => ["Training examples that built it", "And that worked against it"],
        true => ["Patches that built it", "And that worked against it"],
    };
    html += "<div class=\"figures\">\n";
    for (list, patches, caption, what) in [
        (&atom.built, built, captions[0], "built"),
        (&atom.against, against, captions[1], "against"),
    ] {
        let patches = of_patches.then_some(patches);
        html += &rows.weighed(list, patches, (caption, format!("{name} {what}")), figures)?;
    }
    Ok(html + "</div>\n")
}
