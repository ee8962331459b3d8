export {
  constructTable,
  tableFeatures,
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  createFilteredRowModel,
  createSortedRowModel,
} from "@tanstack/table-core";
export {storeReactivityBindings} from "@tanstack/table-core/store-reactivity-bindings";
