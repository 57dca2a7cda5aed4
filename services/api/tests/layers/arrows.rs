//! Reads which module uses which from the tokens of the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Each room or module with those that it uses.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What each room under `src` uses; `re_exports` are names of `lib.rs` with their rooms.
pub fn rooms_of(src: &Path, re_exports: &[(&str, &str)]) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, used) in sources(src) {
        let room = module[0].clone();
        let rooms = used.iter().filter_map(|path| path.split("::").next());
        let rooms = rooms.map(|name| {
            let re_export = re_exports.iter().find(|(exported, _)| *exported == name);
            re_export.map_or(name, |(_, room)| room).to_owned()
        });
        let others = rooms.filter(|used| *used != room);
        arrows.entry(room.clone()).or_default().extend(others);
    }
    arrows
}

/// What each module of `room` uses of the other ones; the room's own `mod.rs` is left out.
pub fn modules_of(src: &Path, room: &str) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, used) in sources(src) {
        if module[0] != room || module.len() < 2 {
            continue;
        }
        let used = used.iter().filter_map(|path| path.split_once("::"));
        let used = used.filter(|(used, name)| *used == room && *name != module[1]);
        let used = used.map(|(_, name)| name.to_owned());
        arrows.entry(module[1].clone()).or_default().extend(used);
    }
    let modules: BTreeSet<String> = arrows.keys().cloned().collect();
    for used in arrows.values_mut() {
        used.retain(|name| modules.contains(name));
    }
    arrows
}

/// The path of each module with what its code uses.
fn sources(src: &Path) -> Vec<(Vec<String>, BTreeSet<String>)> {
    let mut sources = vec![];
    for file in files(src) {
        let place = file.strip_prefix(src).unwrap().with_extension("");
        let mut module: Vec<_> = place.iter().map(|part| part.to_str().unwrap()).collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        if module[0] == "lib" || module.last().unwrap().ends_with("tests") {
            continue;
        }
        let code = fs::read_to_string(&file).unwrap();
        // The program reaches its own library by name.
        let code = code.replace("galaxy_api::", "crate::");
        let mut used = BTreeSet::new();
        collect(code.parse().unwrap(), &module, &mut used);
        sources.push((module.into_iter().map(str::to_owned).collect(), used));
    }
    sources
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Collects the first name, and the first two, of each path from the crate's root, in the code of `module`.
pub fn collect(code: TokenStream, module: &[&str], found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at += item_length(&tokens[at..]);
            continue;
        }
        // Two colons: one alone comes before the type of a field or argument.
        let starts_path = at < 2 || !tokens[at - 2..at].iter().all(|token| is_punct(token, ':'));
        match &tokens[at] {
            TokenTree::Ident(name) if starts_path && name == "crate" => {
                follow_path(&tokens[at + 1..], &[], found);
            }
            TokenTree::Ident(name) if starts_path && name == "super" => {
                follow_path(&tokens[at + 1..], parent(module), found);
            }
            TokenTree::Group(group) if starts_path => collect(group.stream(), module, found),
            _ => {}
        }
        at += 1;
    }
}

fn parent<'a>(module: &'a [&'a str]) -> &'a [&'a str] {
    module.split_last().map_or(&[], |(_, parent)| parent)
}

/// Follows a path that has come to `place`; `rest` begins with the colons after it.
fn follow_path(rest: &[TokenTree], place: &[&str], found: &mut BTreeSet<String>) {
    if let [first, second, next, after @ ..] = rest
        && is_punct(first, ':')
        && is_punct(second, ':')
    {
        follow(next, after, place, found);
    }
}

fn follow(next: &TokenTree, after: &[TokenTree], place: &[&str], found: &mut BTreeSet<String>) {
    match next {
        TokenTree::Ident(name) if name == "super" => follow_path(after, parent(place), found),
        TokenTree::Ident(name) if name != "self" && place.len() < 2 => {
            let name = name.to_string();
            let path = [place, &[name.as_str()]].concat();
            found.insert(path.join("::"));
            follow_path(after, &path, found);
        }
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in tokens.split(|token| is_punct(token, ',')) {
                if let [next, after @ ..] = branch {
                    follow(next, after, place, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether `#[cfg(test)]` comes next.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [first, TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    is_punct(first, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// How many tokens an item has, attributes included: up to its semicolon or its braces.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| {
        let braces =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        braces || is_punct(token, ';')
    };
    let end = tokens.iter().position(ends);
    end.map_or(tokens.len(), |end| end + 1)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
