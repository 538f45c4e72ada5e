//! The text of WebVTT cues without what other formats do not know.

/// Bits of a face, as timed text has them (3GPP TS 26.245 section 5.16).
const FACES: [(&str, u8); 3] = [("b", 1), ("i", 2), ("u", 4)];

/// Text in one face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Bold is 1, italic 2, underlined 4.
    pub(super) face: u8,
}

impl Piece {
    /// The text between tags, as `SubRip` has them.
    pub(super) fn marked(&self) -> String {
        let faces = FACES.iter().filter(|(_, bit)| self.face & bit != 0);
        faces.fold(self.text.clone(), |text, (tag, _)| {
            format!("<{tag}>{text}</{tag}>")
        })
    }
}

/// The text of a cue: tags are dropped but for those of faces, and characters stand instead of their names.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let mut depths = [0_u32; 3];
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('<').unwrap_or((rest, ""));
        if !before.is_empty() {
            let faces = FACES.iter().zip(depths);
            let face = faces
                .filter(|(_, depth)| *depth > 0)
                .fold(0, |face, ((_, bit), _)| face | bit);
            let text = unescape(before);
            match found.last_mut() {
                Some(last) if last.face == face => last.text.push_str(&text),
                _ => found.push(Piece { text, face }),
            }
        }
        let Some((tag, after)) = after.split_once('>') else {
            return found;
        };
        let (is_end, tag) = tag
            .strip_prefix('/')
            .map_or((false, tag), |tag| (true, tag));
        // A class or an annotation may follow the name.
        let name = tag.split(['.', ' ', '\t', '\n']).next().unwrap_or_default();
        for ((face, _), depth) in FACES.iter().zip(&mut depths) {
            if *face == name {
                *depth = if is_end {
                    depth.saturating_sub(1)
                } else {
                    depth.saturating_add(1)
                };
            }
        }
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let named = after.split_once(';').and_then(|(name, after)| {
            let character = match name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                "nbsp" => "\u{a0}",
                "lrm" => "\u{200e}",
                "rlm" => "\u{200f}",
                _ => return Some((numbered(name)?, after)),
            };
            Some((character.to_owned(), after))
        });
        if let Some((character, after)) = named {
            plain.push_str(&character);
            rest = after;
        } else {
            plain.push('&');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

/// `#39` or `#x27`.
fn numbered(name: &str) -> Option<String> {
    let number = name.strip_prefix('#')?;
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    let character = char::from_u32(number).filter(|character| !character.is_control());
    character.map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_stay_and_names_become_characters() {
        let text = "<v Ann>Tom &amp;amp; <b.loud>J<i>err</i></b>y &#39;&#x41;&bogus; &lt;b&gt;</v><00:00:01.000>!<c";
        let found: Vec<(String, u8)> = pieces(text)
            .into_iter()
            .map(|piece| (piece.text, piece.face))
            .collect();
        let expected = [
            ("Tom &amp; ", 0),
            ("J", 1),
            ("err", 3),
            ("y 'A&bogus; <b>!", 0),
        ];
        let expected = expected.map(|(text, face)| (text.to_owned(), face));
        assert_eq!(found, expected);
        assert_eq!(pieces(text)[2].marked(), "<i><b>err</b></i>");
    }
}
