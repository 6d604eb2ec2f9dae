//! Runs one target under a fuzzer (`--cfg fuzzing`), or takes files in (`mainstay-fuzz TARGET FILE…`), to look at one that broke
//! something.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static TARGET: std::sync::LazyLock<mainstay_fuzz::Target> = std::sync::LazyLock::new(|| {
        let wanted = std::env::var("MAINSTAY_FUZZ_TARGET").expect("MAINSTAY_FUZZ_TARGET names the target");
        let found = mainstay_fuzz::TARGETS.iter().find(|(name, _)| *name == wanted);
        found.unwrap_or_else(|| panic!("there is no target {wanted}")).1
    });
    mainstay_fuzz::take(*TARGET, bytes);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let Some((_, target)) = mainstay_fuzz::TARGETS.iter().find(|(name, _)| *name == wanted) else {
        let names: Vec<&str> = mainstay_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: mainstay-fuzz TARGET FILE…, with a target of {}", names.join(", "));
        return std::process::ExitCode::from(2);
    };
    for file in arguments {
        match std::fs::read(&file) {
            Ok(bytes) => mainstay_fuzz::take(*target, &bytes),
            Err(error) => {
                eprintln!("{file}: {error}");
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
