export {default} from "write-excel-file/browser";
