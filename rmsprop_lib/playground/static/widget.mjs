// The playground as an anywidget: the trait `address` goes both ways.

import { mount } from "./playground.mjs";

export function render({ model, el }) {
  const changed = (address) => {
    if (address === model.get("address")) return;
    model.set("address", address);
    model.save_changes();
  };
  const mounted = mount(el, { address: model.get("address"), changed });
  const follow = () => model.get("address") !== mounted.address && mounted.set(model.get("address"));
  model.on("change:address", follow);
  return () => {
    model.off("change:address", follow);
    mounted.remove();
  };
}

export default { render };
