// A choice from the menus goes to the page by the tab's `select` event; what a link has comes back by `follow`.
const menus = () => [...element.querySelectorAll("select")];
element.addEventListener("change", () => {
  window.rerankLens.chosen = menus().map((menu) => menu.value).join(" ");
  trigger("select");
});
window.rerankMenus = {
  follow: (now) => {
    menus().forEach((menu, i) => {
      menu.value = now.split(" ")[i];
      if (menu.selectedIndex < 0) menu.value = menu.dataset.first;
    });
    return [];
  },
};
