//! The command that accepts what waits, whole: to be copied.

use std::path::Path;

/// The command that this one would have to be.
pub fn this_command(ids: &[&str]) -> String {
    accepting(std::env::args(), ids)
}

/// The command for a server that watches a folder.
pub fn for_folder(folder: &Path, data_dir: &Path, config: Option<&Path>, ids: &[&str]) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "mainstay".to_owned());
    let mut words = vec![program, "contract".to_owned(), "apply".to_owned(), folder.display().to_string()];
    let config = config.map(|file| ["--config".to_owned(), file.display().to_string()]);
    words.extend(config.into_iter().flatten());
    words.extend(["--data-dir".to_owned(), data_dir.display().to_string()]);
    accepting(words.into_iter(), ids)
}

/// What is said below a plan; nothing where nothing waits.
pub fn hint(command: &str, waiting: usize, refused: bool) -> String {
    let first = if refused { "\n\nwhat is refused needs another contract; then, " } else { "\n\n" };
    match waiting {
        0 => String::new(),
        1 => format!("{first}to accept what waits:\n\n  {command}"),
        _ => format!("{first}to accept all that waits:\n\n  {command}"),
    }
}

fn accepting(mut words: impl Iterator<Item = String>, ids: &[&str]) -> String {
    let mut command: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            // The command itself, and no folder of that name.
            "plan" if command.last().is_some_and(|last| last == "contract") => command.push("apply".to_owned()),
            "--json" => {}
            // The plan that was reviewed is done or gone, and what is accepted stands at the end.
            "--plan-hash" | "--accept" => drop(words.next()),
            given if given.starts_with("--plan-hash=") || given.starts_with("--accept=") => {}
            _ => command.push(quoted(&word)),
        }
    }
    let accepted = ids.iter().map(|id| format!("--accept {}", quoted(id)));
    command.into_iter().chain(accepted).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./#-".contains(c);
    if !word.is_empty() && !word.starts_with('#') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::accepting;

    #[test]
    fn the_command_is_the_same_one_that_accepts() {
        let command = |line: &str, ids: &[&str]| accepting(line.split(' ').map(str::to_owned), ids);
        assert_eq!(
            command("mainstay contract plan my --json --data-dir d", &["hide:field:x.example.com/A#b"]),
            "mainstay contract apply my --data-dir d --accept hide:field:x.example.com/A#b"
        );
        assert_eq!(
            command("m --config c contract apply plan --plan-hash 00 --accept a --accept=b", &["a", "b", "c"]),
            "m --config c contract apply plan --accept a --accept b --accept c"
        );
        let spaced = ["mainstay", "contract", "plan", "my folder", "it's"].map(str::to_owned).into_iter();
        assert_eq!(accepting(spaced, &[]), "mainstay contract apply 'my folder' 'it'\\''s'");
    }
}
