mod depth;
mod objects;
mod properties;
mod read_masks;
mod scalars;
mod text;
mod well_known;
mod wire_order;
