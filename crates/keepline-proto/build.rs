//! Build: turns the .proto files into types, for the feature `im`. protox reads them, so no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    types::compile()
}

#[cfg(feature = "im")]
mod types {
    pub(super) fn compile() -> Result<(), Box<dyn std::error::Error>> {
        let files = protox::compile(["keepline_v1.proto", "cim.proto"], ["proto"])?;
        prost_build::Config::new()
            // A stored body goes to many receivers without a copy.
            .bytes(["."])
            // The core has no random order: the same frame gives the same bytes.
            .btree_map(["."])
            // It has a token in it.
            .skip_debug([".keepline.v1.Hello"])
            .type_attribute(".keepline.v1.Hello.Role", "#[derive(Debug)]")
            .compile_fds(files)?;
        Ok(())
    }
}

#[cfg(not(feature = "im"))]
mod types {
    pub(super) fn compile() -> Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }
}
