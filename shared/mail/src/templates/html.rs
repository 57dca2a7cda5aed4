//! Converts paragraphs of plain text, in which values are already escaped, to HTML.

/// The beginning of each line of a quotation, such as the end of a log.
pub(super) const QUOTE: &str = "| ";

/// Splits a text at its blank lines.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut open = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            open = false;
        } else if let (true, Some(paragraph)) = (open, found.last_mut()) {
            paragraph.push('\n');
            paragraph.push_str(line);
        } else {
            found.push(line.to_owned());
            open = true;
        }
    }
    found
}

/// The paragraphs of `escaped` as HTML. One that is indented by four spaces is set large, for codes; a quotation keeps its
/// spaces.
pub(super) fn markup(escaped: &str) -> String {
    paragraphs(escaped)
        .iter()
        .map(|paragraph| paragraph_markup(paragraph))
        .collect()
}

fn paragraph_markup(paragraph: &str) -> String {
    if let Some(code) = paragraph.strip_prefix("    ") {
        return format!(
            "<p style=\"font:bold 28px/1.5 monospace;letter-spacing:4px\">{}</p>\n",
            code.trim()
        );
    }
    if paragraph.lines().all(|line| line.starts_with(QUOTE)) {
        let lines: Vec<_> = paragraph.lines().map(|line| &line[QUOTE.len()..]).collect();
        return format!(
            "<pre style=\"font:13px/1.4 monospace;white-space:pre-wrap\">{}</pre>\n",
            lines.join("\n")
        );
    }
    format!("<p>{}</p>\n", paragraph.replace('\n', "<br>\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_separate_paragraphs_and_an_indented_one_is_set_large() {
        let text = "\nOne\ntwo\n\n\n    123456\n";
        assert_eq!(paragraphs(text), ["One\ntwo", "    123456"]);
        let html = markup(text);
        assert!(html.contains("<p>One<br>\ntwo</p>") && html.contains(">123456</p>"));
    }

    #[test]
    fn a_quotation_keeps_its_spaces() {
        let html = markup("Log:\n\n| panic\n|     at main");
        assert!(html.contains(">panic\n    at main</pre>"), "{html}");
    }
}
