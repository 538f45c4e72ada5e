//! Languages as MP4 files have them: three letters (ISO 639-2/T).

/// Two letters and three, of languages that films are in.
const LANGUAGES: &str = "aa aar ab abk af afr ak aka am amh ar ara as asm ay aym az aze ba bak be bel bg bul bm bam bn ben bo bod br bre bs bos ca cat ce che \
co cos cs ces cy cym da dan de deu dz dzo ee ewe el ell en eng eo epo es spa et est eu eus fa fas ff ful fi fin fj fij fo fao fr fra fy fry ga gle gd gla gl glg \
gn grn gu guj ha hau he heb hi hin hr hrv ht hat hu hun hy hye ia ina id ind ig ibo is isl it ita iu iku ja jpn jv jav ka kat kg kon ki kik kk kaz kl kal km khm \
kn kan ko kor ks kas ku kur ky kir la lat lb ltz lg lug ln lin lo lao lt lit lu lub lv lav mg mlg mi mri mk mkd ml mal mn mon mr mar ms msa mt mlt my mya \
nb nob ne nep nl nld nn nno no nor nv nav ny nya oc oci om orm or ori pa pan pl pol ps pus pt por qu que rm roh rn run ro ron ru rus rw kin sa san sc srd sd snd \
se sme sg sag si sin sk slk sl slv sm smo sn sna so som sq sqi sr srp ss ssw st sot su sun sv swe sw swa ta tam te tel tg tgk th tha ti tir tk tuk tl tgl tn tsn \
to ton tr tur ts tso tt tat tw twi ug uig uk ukr ur urd uz uzb ve ven vi vie wo wol xh xho yi yid yo yor za zha zh zho zu zul";

/// The three letters of a language tag (BCP 47); `und` when there are none.
pub(crate) fn three_letters(tag: &str) -> &str {
    let primary = tag.split('-').next().unwrap_or_default();
    if primary.len() == 3 && primary.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return primary;
    }
    let mut words = LANGUAGES.split_ascii_whitespace();
    while let (Some(two), Some(three)) = (words.next(), words.next()) {
        if two.eq_ignore_ascii_case(primary) {
            return three;
        }
    }
    "und"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_three_letters() {
        let of = three_letters;
        assert_eq!(
            [
                of("de"),
                of("pt-BR"),
                of("EN"),
                of("gsw"),
                of(""),
                of("x-private")
            ],
            ["deu", "por", "eng", "gsw", "und", "und"]
        );
        assert!(
            LANGUAGES
                .split_ascii_whitespace()
                .enumerate()
                .all(|(index, word)| word.len() == 2 + index % 2)
        );
    }
}
